// An agent's page before a played API, in states that the real server is hard to bring into: parts that
// fail, an agent that keeps crashing, and what a viewer sees.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { AGENT, tellAgent } from './agent_data.mjs';
import { end, findings, Played, sideways } from './played.mjs';

const played = new Played();
let state;

before(() => played.start());
after(() => played.stop());
beforeEach(() => {
  played.reset();
  state = tellAgent(played);
});

const tab = (name, options) => played.open(`/agents/${AGENT}/${name}`, options);
const config = (page) => page.getByRole('form', { name: 'Configuration' });

test('the parts of the page fail on their own, and can be tried again', async () => {
  const undo = [played.fail('GET', '/api/agents/:id/deployments', 500), played.fail('GET', '/api/agents/:id/health', 500)];
  const page = await tab('deployments');
  const failed = page.getByRole('alert').filter({ hasText: 'The deployments could not be loaded' });
  await failed.waitFor();
  undo[0]();
  await failed.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('list', { name: 'Deployments', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('alert').filter({ hasText: 'Its health could not be loaded' }).waitFor();
  await page.getByText('At a glance').waitFor();
  undo[1]();
  await page.getByText('Healthy', { exact: true }).waitFor();
  await end(page);
});

test('an agent that keeps crashing: why, when it is tried again, and what it wrote last', async () => {
  state.elsewhere({ status: 'error', statusReason: 'It ended with exit code 1.', deployment: { ...state.agent.deployment, state: 'failed', reason: 'It did not become ready.', exitCode: 1, lastOutput: '<b>panic</b> \u001b[31mred' } });
  Object.assign(state.health, { status: 'unhealthy', statusReason: 'It ended with exit code 137.', restarts: 4, lastExitCode: 137, nextRetryAt: new Date(Date.now() + 3_600_000).toISOString() });
  state.output = [{ seq: 1, at: new Date().toISOString(), stream: 'stderr', line: '\u001b[31mERROR <img src=x onerror=alert(1)>\u001b[0m' }];
  for (const options of [{}, { width: 390, colorScheme: 'dark' }]) {
    const page = await tab('', options);
    await page.getByText('It does not run').waitFor();
    await page.getByText(/It is started again/).waitFor();
    await page.getByText(/in \d+ min/).waitFor();
    await page.getByText('It was killed, most often because its memory was full').waitFor();
    await page.getByText('<b>panic</b>').waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await sideways(page), 0);
    await page.getByRole('link', { name: 'Output', exact: true }).click();
    await page.getByText('This is what it wrote before.').waitFor();
    await page.getByText('ERROR <img src=x onerror=alert(1)>').waitFor();
    await end(page);
  }
});

test('a viewer reads everything and is offered nothing to change', async () => {
  played.session.user.role = 'viewer';
  try {
    const page = await tab('settings');
    await page.getByText('Your role can read these settings, not change them.').waitFor();
    assert.ok(await config(page).getByLabel('Note', { exact: true }).isDisabled());
    for (const name of ['Save', 'Save and redeploy', 'Delete…', 'Undo', 'Add a setting']) assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
    await page.getByRole('link', { name: 'Permissions', exact: true }).click();
    await page.getByText('Your role can read these permissions').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Review and save' }).count(), 0);
    await page.getByRole('link', { name: 'Deployments' }).click();
    await page.getByText('holds now').waitFor();
    assert.equal(await page.getByRole('button', { name: /Roll back/ }).count(), 0);
    await end(page);
  } finally {
    played.session.user.role = 'owner';
  }
});

for (const options of [{ width: 390, colorScheme: 'dark' }, { colorScheme: 'light' }]) {
  test(`every tab, ${options.width ?? 1200} px wide: nothing sticks out, axe finds nothing`, async () => {
    state.elsewhere({ config: { ...state.agent.config, 'a-key-without-any-space-that-is-as-long-as-it-gets-in-real-life-or-longer': 'v'.repeat(300) } });
    for (const [name, sign] of [['', 'At a glance'], ['activity', /Agent changed/], ['output', 'It has not written anything yet'], ['permissions', 'In words'], ['deployments', 'holds now'], ['settings', 'Delete this agent'], ['settings?view=json', 'As JSON']]) {
      const page = await tab(name, options);
      await page.getByText(sign).first().waitFor();
      assert.deepEqual(await findings(page), [], name);
      assert.equal(await sideways(page), 0, `${name} sticks out`);
      await end(page);
    }
  });
}
