// What each deployed version of an agent changed, before a played API.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { AGENT, tellAgent } from './agent_data.mjs';
import { end, findings, Played, sideways } from './played.mjs';
import { backTo, changeAll, differing, opened, question, row, VERSION } from './versions_tab.mjs';

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

test('what a version changed is asked for when it is opened, and told part by part', async () => {
  changeAll(state);
  const page = await tab();
  await row(page, 0).waitFor();
  assert.equal(played.callsOf(...VERSION).length, 0, 'nothing before it is opened');
  const changed = await opened(page);
  const runtime = changed.getByRole('list', { name: 'Runtime' });
  assert.equal(await runtime.innerText(), 'Version\n1 → 2');
  assert.equal(await changed.getByRole('list', { name: 'Resources' }).innerText(), 'Memory, MB\n32 → 64');
  const config = changed.getByRole('list', { name: 'Configuration' });
  await differing(config, 'note').getByText('the first note', { exact: true }).waitFor();
  await differing(config, 'quiet').getByText('not set', { exact: true }).waitFor();
  await differing(config, 'nested › words').getByText('["a","b","c"]', { exact: true }).waitFor();
  await changed.getByText('It may read your calendars.').waitFor();
  await changed.getByText('Before: It may spend up to $5.00 a day').waitFor();
  assert.equal(await config.getByRole('listitem').count(), 4);
  assert.equal(played.callsOf(...VERSION).length, 1);
  await changed.getByText('This is what is deployed now.').waitFor();
  assert.equal(await backTo(page).count(), 0, 'no way back to where it is');
  await end(page);
});

test('hidden values stay hidden: what came is told, what stayed is not, and what may have changed is said to', async () => {
  changeAll(state);
  const page = await tab();
  const changed = await opened(page);
  const config = changed.getByRole('list', { name: 'Configuration' });
  assert.match(await differing(config, 'channels › telegram › botToken').innerText(), /not set → a hidden value$/);
  assert.equal(await differing(config, 'apiKey').count(), 0, 'it is certainly the same');
  assert.doesNotMatch(await changed.innerText(), /sealed/);

  state.secrets = { ...state.secrets, '/config/nested/apiKey': 'another' };
  state.versions[0].secrets = { ...state.secrets };
  await page.reload();
  await opened(page);
  await differing(config, 'nested › apiKey').getByText('a hidden value, given anew or kept', { exact: true }).waitFor();
  await changed.getByText('This is what is deployed now.').waitFor();

  // Given anew since: what was deployed is not certainly what it has now.
  state.secrets = { ...state.secrets, '/config/nested/apiKey': 'a third' };
  await backTo(changed).click();
  assert.deepEqual(await question(page).getByRole('list', { name: 'Configuration' }).getByRole('listitem').allInnerTexts(), ['nested › apiKey\na hidden value, given anew or kept']);
  await end(page);
});

test('the first version says that it is, and a restart that it changed nothing', async () => {
  state.deployments.unshift({ ...state.deployments[0], id: '00000000-0000-4000-8000-000000000977', kind: 'restart' });
  state.versions.unshift(state.versions[0]);
  const page = await tab();
  await (await opened(page, 2)).getByText('The first version.').waitFor();
  const restart = await opened(page, 0);
  await restart.getByText('Nothing: what was deployed before was deployed again.').waitFor();
  for (const index of [0, 1]) {
    if (index > 0) await opened(page, index);
    await row(page, index).getByText('This is what is deployed now.').waitFor();
    assert.equal(await backTo(row(page, index)).count(), 0);
  }
  await end(page);
});

test('the same settings are not said to be deployed where they are not', async () => {
  Object.assign(state.deployments[0], { state: 'failed', reason: 'It did not become ready.' });
  const page = await tab();
  await (await opened(page)).getByText('These are the agent’s settings now.').waitFor();
  Object.assign(state.deployments[0], { state: 'verifying', endedAt: null, reason: null });
  await row(page, 0).getByText('This is being deployed now.').waitFor();
  await end(page);
});

test('a viewer sees what changed and no way back; nor is one offered while the agent is being deleted', async () => {
  state.elsewhere({ config: { ...state.agent.config, note: 'changed since' } });
  played.session.user.role = 'viewer';
  try {
    const page = await tab();
    await differing(await opened(page), 'note').getByText('hello', { exact: true }).waitFor();
    await (await opened(page, 1)).getByText('The first version.').waitFor();
    assert.equal(await backTo(page).count(), 0);
    await end(page);
  } finally {
    played.session.user.role = 'owner';
  }
  state.elsewhere({ desiredState: 'deleted' });
  const page = await tab();
  await (await opened(page)).getByRole('list', { name: 'Configuration' }).waitFor();
  assert.equal(await backTo(page).count(), 0);
  await end(page);
});

for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { colorScheme: 'dark', width: 390, height: 844 }]) {
  test(`long and hostile values, ${options.colorScheme}, ${options.width ?? 1200} px wide: cut, as text, nothing sticks out, axe finds nothing`, async () => {
    const prompt = 'You read the mailbox and answer politely. '.repeat(40);
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`setting${index}`, index]));
    state.elsewhere({ runtimeVersion: HOSTILE, config: { ...state.agent.config, [HOSTILE]: HOSTILE, prompt: `${prompt}Sign as Anna.`, long: 'v'.repeat(3000), 'a-key-without-any-space-that-is-as-long-as-it-gets-in-real-life-or-longer': 'v'.repeat(90), many } });
    state.deployed();
    state.versions[1].config = { ...state.versions[1].config, prompt: `${prompt}Sign as Bert.` };
    const page = await tab(options);
    const first = await opened(page);
    const check = async (place, what) => {
      const list = place.getByRole('list', { name: 'Configuration' });
      const sign = await differing(list, 'prompt').innerText();
      assert.ok(/Sign as Anna\./.test(sign) && /Sign as Bert\./.test(sign) && sign.length < 200, `${what}: cut to where it differs, ${sign}`);
      assert.ok(await list.getByText(HOSTILE).count() > 0, what);
      assert.equal(await list.getByRole('listitem').count(), 20, what);
      assert.ok((await list.innerText()).length < 4000, what);
      assert.deepEqual(await findings(page), [], what);
      assert.equal(await sideways(page), 0, `${what} sticks out`);
      const more = place.getByRole('button', { name: 'Show all 35' });
      await more.click();
      assert.equal(await list.getByRole('listitem').count(), 35, what);
      assert.ok((await list.innerText()).includes('v'.repeat(3000)), what);
      assert.equal(await sideways(page), 0, `${what}, whole, sticks out`);
      await place.getByRole('button', { name: 'Show less' }).click();
    };
    await check(first, 'the row');
    await backTo(await opened(page, 1)).click();
    await check(question(page), 'the dialog');
    assert.equal(await question(page).evaluate((element) => element.scrollWidth - element.clientWidth), 0, 'the dialog scrolls sideways');
    await end(page);
  });
}
