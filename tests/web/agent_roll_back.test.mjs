// The way back to a deployed version of an agent, before a played API: asked about, looked at, crossed by
// other changes, refused and failed.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness.mjs';
import { AGENT, tellAgent } from './agent_data.mjs';
import { end, findings, Played, problem } from './played.mjs';
import { backTo, changeAll, changeMuch, differing, opened, question, RESTORE, row, VERSION } from './versions_tab.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}<b>';
const played = new Played();
let state;

before(() => played.start());
after(() => played.stop());
beforeEach(() => {
  played.reset();
  state = tellAgent(played);
});

const tab = (options) => played.open(`/agents/${AGENT}/deployments`, options);
const restores = () => played.callsOf(...RESTORE);
const confirm = (page) => question(page).getByRole('button', { name: 'Roll back', exact: true });
const focused = (locator) => locator.evaluate((element) => element === document.activeElement);

test('rolled back after a look, over what was seen', async () => {
  changeAll(state);
  const page = await tab();
  const then = await opened(page, 1);
  await backTo(then).click();
  const dialog = question(page);
  assert.equal(await dialog.getByRole('list', { name: 'Runtime' }).innerText(), 'Version\n2 → 1', 'from now to then');
  assert.equal(await dialog.getByRole('list', { name: 'Resources' }).innerText(), 'Memory, MB\n64 → 32');
  assert.match(await differing(dialog, 'note').innerText(), /hello → the first note$/);
  assert.match(await differing(dialog, 'botToken').innerText(), /a hidden value → not set$/);
  await dialog.getByText('Before: It may read your calendars.').waitFor();
  await dialog.getByText('No difference: all 12 requests get the same answer as before.').waitFor();
  await dialog.getByText(/It is deployed again with these settings, and what it is doing now is cut off/).waitFor();
  assert.equal(restores().length, 0, 'nothing happens before it was looked at');

  const release = played.hold(...RESTORE);
  await confirm(page).click();
  await dialog.locator('button[aria-busy=true]').waitFor();
  await page.keyboard.press('Enter');
  release();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Rolled back. It is being deployed.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Follow' }).getAttribute('href'), `/app/agents/${AGENT}/deploying`);
  assert.equal(restores().length, 1, 'asked for twice, done once');
  assert.equal(restores()[0].path, `/api/agents/${AGENT}/deployments/${state.deployments.at(-1).id}/restore`);
  assert.match(restores()[0].headers['if-match'], /^"[0-9a-f]{16}"$/);
  assert.ok(restores()[0].headers['idempotency-key']);
  assert.equal(state.agent.config.note, 'the first note');
  assert.deepEqual([state.agent.runtimeVersion, state.agent.resources.memoryMb, state.agent.permissions.maxDailyTokenSpend], ['1', 32, 5]);

  await row(page, 0).getByText('Queued', { exact: true }).waitFor();
  await row(page, 0).getByText('Roll back of runtime version, configuration, permissions, and resources by you').waitFor();
  assert.equal(await page.getByRole('list', { name: 'Deployments', exact: true }).locator('> li').count(), 3);
  await row(page, 2).getByText('This is what is deployed now.').waitFor();
  await page.waitForFunction(() => document.activeElement !== document.body);
  assert.equal(await page.getByRole('dialog').count(), 0, 'and nothing more is asked');
  await end(page);
});

test('with the keyboard alone: opened, looked at, left with Escape, and rolled back', async () => {
  state.elsewhere({ config: { ...state.agent.config, note: 'changed since' } });
  const page = await tab();
  const { keyboard } = page;
  const tabTo = async (locator) => {
    await locator.waitFor();
    for (let i = 0; i < 60; i += 1) {
      if (await focused(locator)) return;
      await keyboard.press('Tab');
    }
    assert.fail(`${locator} is not reached with Tab`);
  };
  await tabTo(row(page, 1).locator('summary'));
  await keyboard.press('Enter');
  const button = backTo(row(page, 1));
  await tabTo(button);
  await keyboard.press('Enter');
  await question(page).waitFor();
  await keyboard.press('Escape');
  await question(page).waitFor({ state: 'detached' });
  assert.ok(await focused(button), 'back where it was');
  assert.equal(restores().length, 0);
  await keyboard.press('Enter');
  await tabTo(confirm(page));
  await keyboard.press('Enter');
  await question(page).waitFor({ state: 'detached' });
  await row(page, 2).getByText('This is what is deployed now.').waitFor();
  assert.equal(state.agent.config.note, 'the first note');
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1', undefined, { timeout: 5000 });
  await end(page);
});

for (const when of ['at once', 'after it was opened']) {
  test(`a long comparison that is there ${when} is read from its beginning, and the keyboard begins there`, async () => {
    changeMuch(state);
    const page = await tab({ width: 390, height: 844 });
    const button = backTo(await opened(page, 1));
    await button.waitFor();
    const held = when === 'at once' ? [] : [played.hold(...VERSION), played.hold('POST', '/api/agents/:id/policy/replay')];
    const asked = played.callsOf(...VERSION).length;
    if (held.length > 0) {
      // Compared anew, and not answered yet.
      state.elsewhere({ resources: { memoryMb: 64 } });
      await until('it is asked for', () => played.callsOf(...VERSION).length > asked);
    }
    await button.click();
    const dialog = question(page);
    if (held.length > 0) await dialog.getByRole('status', { name: 'Loading what would change' }).waitFor();
    for (const release of held) release();
    await dialog.getByText('No difference: all 12 requests get the same answer as before.').waitFor();
    const title = dialog.getByRole('heading', { name: 'Roll back to this version?' });
    assert.ok(await dialog.evaluate((element) => element.scrollHeight > element.clientHeight), 'it is long');
    assert.equal(await dialog.evaluate((element) => element.scrollTop), 0, 'its beginning is seen');
    assert.ok(await focused(title), 'a screen reader begins with the question');
    await page.keyboard.press('Tab');
    assert.ok(await dialog.evaluate((element) => element.contains(document.activeElement)), 'the next is in it');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.ok(await focused(button), 'back where it was');
    assert.equal(restores().length, 0);
    await end(page);
  });
}

test('a change elsewhere in between is shown before it is rolled back over', async () => {
  state.elsewhere({ config: { ...state.agent.config, note: 'changed since' } });
  const page = await tab();
  await backTo(await opened(page, 1)).click();
  const dialog = question(page);
  await differing(dialog, 'note').getByText('changed since', { exact: true }).waitFor();
  state.meanwhile({ config: { ...state.agent.config, note: 'theirs' } });
  await confirm(page).click();
  await dialog.getByText('Changed elsewhere meanwhile', { exact: true }).waitFor();
  await dialog.getByRole('alert').filter({ hasText: 'Look at what would change now first.' }).waitFor();
  assert.equal(state.agent.config.note, 'theirs', 'not rolled back over their change');
  await confirm(page).click();
  await dialog.getByRole('alert').filter({ hasText: 'Look at what would change now first.' }).waitFor();
  assert.equal(restores().length, 1, 'and not tried again unseen');
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole('button', { name: 'Show what would change now' }).click();
  await differing(dialog, 'note').getByText('theirs', { exact: true }).waitFor();
  assert.equal(await dialog.getByText('changed elsewhere meanwhile').count(), 0, 'it was looked at');
  assert.ok(await page.evaluate(() => document.querySelector('dialog').contains(document.activeElement)));
  await confirm(page).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(state.agent.config.note, 'the first note');
  const tags = restores().map((call) => call.headers['if-match']);
  assert.ok(tags.length === 2 && tags[0] !== tags[1]);
  await end(page);
});

test('a change elsewhere that the page learns of by itself is asked to be looked at too, and may leave nothing to do', async () => {
  state.elsewhere({ config: { ...state.agent.config, note: 'changed since' } });
  const page = await tab();
  await backTo(await opened(page, 1)).click();
  const dialog = question(page);
  state.elsewhere({ config: { ...state.agent.config, note: 'the first note' } });
  await dialog.getByText('Changed elsewhere meanwhile').waitFor();
  await dialog.getByRole('button', { name: 'Show what would change now' }).click();
  await dialog.getByText('Nothing: the agent has these settings now.').waitFor();
  await confirm(page).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(restores().length, 0);
  await end(page);
});

test('what the server refuses is said beside what it concerns, and nothing is lost', async () => {
  changeAll(state);
  const refused = [
    { pointer: '/runtimeVersion', detail: 'This version is no longer offered.' }, { pointer: '/resources/memoryMb', detail: 'At least 48.' },
    { pointer: '/config/note', detail: 'Too short.' }, { pointer: '/config/printCount', detail: 'No longer a setting.' },
    { pointer: '/permissions/allowedDomains/0', detail: `Not a domain: ${HOSTILE}` },
  ];
  const page = await tab();
  await backTo(await opened(page, 1)).click();
  const dialog = question(page);
  played.on(...RESTORE, problem(422, 'invalid', 'The request breaks a rule.', { errors: refused }), { fresh: true });
  await confirm(page).click();
  await dialog.getByText('The request breaks a rule.').waitFor();
  await dialog.getByRole('list', { name: 'Runtime' }).getByText('This version is no longer offered.').waitFor();
  await dialog.getByRole('list', { name: 'Resources' }).getByText('At least 48.').waitFor();
  await differing(dialog.getByRole('list', { name: 'Configuration' }), 'note').getByText('Too short.').waitFor();
  await dialog.getByText('printCount: No longer a setting.').waitFor();
  await dialog.getByText(`allowedDomains › 0: Not a domain: ${HOSTILE}`).waitFor();
  for (const { detail } of refused) assert.equal(await dialog.getByText(detail).count(), 1, detail);
  assert.deepEqual(await findings(page), []);
  assert.equal(state.agent.config.note, 'hello');
  await end(page);
});

test('a server that is slow, or fails: it says so where it is, and trying again works', async () => {
  state.elsewhere({ config: { ...state.agent.config, note: 'changed since' } });
  const release = played.hold(...VERSION);
  const page = await tab();
  await row(page, 0).locator('summary').click();
  await page.getByRole('status', { name: 'Loading what it changed' }).waitFor();
  const undo = played.fail(...VERSION, 500);
  release();
  const failed = row(page, 0).getByRole('alert').filter({ hasText: 'What it changed could not be loaded' });
  await failed.waitFor();
  undo();
  await failed.getByRole('button', { name: 'Try again' }).click();
  await backTo(row(page, 0)).click();
  for (const status of [503, 'drop']) {
    const mend = played.fail(...RESTORE, status);
    await confirm(page).click();
    await question(page).getByRole('alert').filter({ hasText: status === 503 ? 'The database is away.' : /did not answer|had trouble/ }).waitFor();
    mend();
  }
  await confirm(page).click();
  await question(page).waitFor({ state: 'detached' });
  assert.equal(state.agent.config.note, 'hello');
  await end(page);
});

test('closed while it works: it ends, what fails then is told, and no dialog comes by itself', async () => {
  state.elsewhere({ config: { ...state.agent.config, note: 'changed since' } });
  const page = await tab();
  const button = backTo(await opened(page, 1));
  let release = played.hold(...RESTORE);
  const undo = played.fail(...RESTORE, 503);
  await button.click();
  await confirm(page).click();
  await page.keyboard.press('Escape');
  await question(page).waitFor({ state: 'detached' });
  release();
  await page.getByText('The database is away.').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  undo();

  release = played.hold(...RESTORE);
  await button.click();
  await confirm(page).click();
  await page.keyboard.press('Escape');
  // Another question meanwhile: the end of the first neither closes nor answers it.
  await page.getByRole('button', { name: 'Roll back to these…' }).first().click();
  const other = page.getByRole('dialog', { name: 'Roll back to these permissions?' });
  await other.waitFor();
  release();
  await page.getByText('Rolled back. It is being deployed.').waitFor();
  assert.ok(await other.isVisible());
  await other.getByRole('button', { name: 'Cancel' }).click();
  await other.waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('dialog').count(), 0);
  await end(page);
});

test('a stale second factor asks for a code, and the roll back goes on with it', async () => {
  state.elsewhere({ config: { ...state.agent.config, note: 'changed since' } });
  played.session.fresh = false;
  const page = await tab();
  await backTo(await opened(page, 1)).click();
  await confirm(page).click();
  const code = page.getByRole('dialog', { name: 'Confirm it is you' });
  await code.getByLabel('Digit 1').click();
  await page.keyboard.type('123456');
  await question(page).waitFor({ state: 'detached' });
  assert.equal(state.agent.config.note, 'the first note');
  assert.deepEqual(restores().map((call) => call.headers['if-match'] === restores()[0].headers['if-match']), [true, true]);
  await end(page);
});

test('a stopped agent is told when it holds, permissions alone hold at once', async () => {
  state.elsewhere({ status: 'stopped', desiredState: 'stopped', config: { ...state.agent.config, note: 'changed since' } });
  const page = await tab();
  await backTo(await opened(page, 1)).click();
  await question(page).getByText(/It is stopped: these settings hold from its next start/).waitFor();
  await confirm(page).click();
  await page.getByText('Rolled back. It holds from the next start.').waitFor();
  await row(page, 1).getByText('These are the agent’s settings now.').waitFor();

  state.elsewhere({ status: 'running', desiredState: 'running', permissions: { scopes: ['email:read', 'messaging:send'], maxDailyTokenSpend: 5 } });
  await backTo(row(page, 1)).click();
  await question(page).getByText('Before: It may read and write messages').waitFor();
  await question(page).getByText('The permissions hold at once; it is not deployed again.').waitFor();
  await confirm(page).click();
  await page.getByText('Rolled back. It holds at once.').waitFor();
  assert.equal(state.deployments.length, 2);
  await end(page);
});
