// Changes of an agent before a played API: changes that cross, what the server refuses, a server that fails
// or is slow.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { AGENT, tellAgent } from './agent_data.mjs';
import { end, findings, Played, problem } from './played.mjs';

const played = new Played();
let state;

before(() => played.start());
after(() => played.stop());
beforeEach(() => {
  played.reset();
  state = tellAgent(played);
});

const PATCH = ['PATCH', '/api/agents/:id'];
const patches = () => played.callsOf(...PATCH);
const tab = (name, options) => played.open(`/agents/${AGENT}/${name}`, options);
const scope = (page, title) => page.getByRole('checkbox', { name: title, exact: true });
const config = (page) => page.getByRole('form', { name: 'Configuration' });

async function saveReviewed(page) {
  await page.getByRole('button', { name: 'Review and save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Save these permissions?' });
  await dialog.getByText('No difference: all 12 requests get the same answer as before.').waitFor();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

test('two saves of permissions one after the other each carry the tag of the one before', async () => {
  const page = await tab('permissions');
  await scope(page, 'Send e-mail').check();
  await saveReviewed(page);
  // The next one before the agent could be fetched again.
  const release = played.hold('GET', '/api/agents/:id');
  await scope(page, 'Chat').check();
  await saveReviewed(page);
  release();
  assert.equal(patches().length, 2);
  const tags = patches().map((call) => call.headers['if-match']);
  assert.ok(tags[0] && tags[1] && tags[0] !== tags[1], 'both have a tag');
  assert.deepEqual(state.agent.permissions.scopes, ['email:read', 'email:send', 'messaging:send']);
  assert.equal(await page.getByText('Changed elsewhere meanwhile').count(), 0);
  await end(page);
});

test('a change of the same permissions in between is shown with what differs, and is not lost', async () => {
  const page = await tab('permissions');
  await scope(page, 'Send e-mail').check();
  state.meanwhile({ permissions: { scopes: ['email:read', 'messaging:send'], maxDailyTokenSpend: 5 } });
  await page.getByRole('button', { name: 'Review and save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  const notice = page.getByRole('alert').filter({ hasText: 'Changed elsewhere meanwhile' });
  await notice.getByText('It cannot send chat messages.').waitFor();
  await notice.getByText('Before: It cannot send any e-mail.').waitFor();
  assert.deepEqual(state.agent.permissions.scopes, ['email:read', 'messaging:send'], 'theirs is still there');
  assert.ok(await page.getByRole('button', { name: 'Review and save' }).isDisabled(), 'not before one is chosen');
  assert.deepEqual(await findings(page), []);
  await notice.getByRole('button', { name: 'Keep mine' }).click();
  await notice.waitFor({ state: 'detached' });
  await saveReviewed(page);
  assert.deepEqual(state.agent.permissions.scopes, ['email:read', 'email:send']);

  await scope(page, 'Read files').check();
  state.meanwhile({ permissions: { scopes: ['calendar:read'] } });
  await page.getByRole('button', { name: 'Review and save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  await notice.getByRole('button', { name: 'Take theirs' }).click();
  await page.getByText('It may read your calendars.').first().waitFor();
  assert.equal(await scope(page, 'Read files').isChecked(), false);
  assert.ok(await page.getByRole('button', { name: 'Review and save' }).isDisabled(), 'nothing of ours is left to save');
  await end(page);
});

test('a change of another part in between does not hold a save up', async () => {
  const page = await tab('permissions');
  await scope(page, 'Send e-mail').check();
  state.meanwhile({ name: 'Renamed elsewhere' });
  await saveReviewed(page);
  assert.equal(patches().length, 2, 'refused once, then saved with the newer tag');
  assert.deepEqual(state.agent.permissions.scopes, ['email:read', 'email:send']);
  assert.equal(state.agent.name, 'Renamed elsewhere');
  await page.getByRole('heading', { name: 'Renamed elsewhere', level: 1 }).waitFor();
  await end(page);
});

test('a draft of the configuration that is open while somebody else changes it does not overwrite theirs', async () => {
  const page = await tab('settings');
  const form = config(page);
  await form.getByLabel('Note', { exact: true }).fill('mine');
  state.elsewhere({ config: { ...state.agent.config, note: 'theirs' } });
  // The page learns of it by itself: it polls.
  const notice = form.getByRole('alert').filter({ hasText: 'Changed elsewhere meanwhile' });
  await notice.getByRole('listitem').filter({ hasText: 'note' }).getByText('theirs', { exact: true }).waitFor();
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), 'mine', 'what was typed stays');
  assert.equal(patches().length, 0);
  await notice.getByRole('button', { name: 'Take theirs' }).click();
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), 'theirs');
  await end(page);
});

test('form and JSON are views of one draft, and what the server refuses is said at its field', async () => {
  const page = await tab('settings');
  const form = config(page);
  await form.getByLabel('Print count', { exact: true }).fill('7');
  await form.getByRole('checkbox', { name: 'Quiet' }).check();
  await form.getByLabel('Words', { exact: true }).fill('a\nb\nc');
  assert.equal(await form.getByLabel('Api key', { exact: true }).getAttribute('placeholder'), 'stored');
  await form.getByRole('button', { name: 'JSON' }).click();
  const text = form.getByLabel('As JSON');
  assert.deepEqual(JSON.parse(await text.inputValue()), { note: 'hello', printCount: 7, quiet: true, nested: { words: ['a', 'b', 'c'], apiKey: { $sealed: true } } });
  await text.fill('{"note": "hello", ');
  await form.locator('textarea[aria-invalid=true]').waitFor();
  assert.ok(await form.getByRole('button', { name: 'Save and redeploy' }).isDisabled());
  await form.getByRole('button', { name: 'Form' }).click();
  await form.getByText('This is not whole JSON').waitFor();
  await form.getByRole('button', { name: 'Mend it' }).click();
  await text.fill('{"note": "from the text", "deep": {"count": 3}}');
  await form.getByRole('button', { name: 'Form' }).click();
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), 'from the text');

  played.on(...PATCH, problem(422, 'invalid', 'The request breaks a rule.', { errors: [{ pointer: '/config/deep/count', detail: 'At most 2.' }, { pointer: '/config', detail: 'Too large.' }] }), { fresh: true });
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await form.getByText('Too large.').waitFor();
  assert.equal(await form.getByLabel('Count', { exact: true }).getAttribute('aria-invalid'), 'true');
  await form.getByText('At most 2.').waitFor();
  assert.equal(await form.getByText('At most 2.').count(), 1);
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), 'from the text', 'what was typed stays');
  assert.deepEqual(await findings(page), []);
  await end(page);
});

test('settings are added and removed in the form', async () => {
  const page = await tab('settings');
  const form = config(page);
  await form.getByRole('button', { name: 'Remove note' }).click();
  await form.getByRole('button', { name: 'Add a setting' }).click();
  await form.getByLabel('Name', { exact: true }).fill('printCount');
  await form.getByText('There is a setting of that name.').waitFor();
  await form.getByLabel('Name', { exact: true }).fill('readyAfterMs');
  await form.getByLabel('Kind').selectOption('number');
  await form.getByLabel('Name', { exact: true }).press('Enter');
  await form.getByLabel('Ready after ms', { exact: true }).fill('250');
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await page.getByText('Saved. The agent is deployed with it.').waitFor();
  assert.deepEqual(patches()[0].body, { config: { printCount: 2, quiet: false, nested: { words: ['a', 'b'], apiKey: { $sealed: true } }, readyAfterMs: 250 } });
  assert.ok(patches()[0].headers['if-match']);
  await end(page);
});

test('rolling permissions back shows what changes, and goes by what holds when it is confirmed', async () => {
  const page = await tab('deployments');
  const versions = page.getByRole('list', { name: 'Versions of the permissions' });
  await versions.getByText('holds now').waitFor();
  await versions.getByText('by a member').waitFor();
  await versions.getByRole('button', { name: 'Roll back to these…' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Roll back to these permissions?' });
  await dialog.getByText('Before: It may spend up to $5.00 a day').waitFor();
  await dialog.getByText('It may spend up to $9.00 a day').waitFor();
  assert.equal(patches().length, 0, 'nothing happens before it was looked at');

  state.meanwhile({ permissions: { scopes: ['files:read'], maxDailyTokenSpend: 5 } });
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
  await dialog.getByRole('alert').filter({ hasText: 'They were changed elsewhere meanwhile.' }).waitFor();
  await dialog.getByRole('button', { name: 'Show what would change now' }).click();
  await dialog.getByText(/Before: It may read files/).waitFor();
  assert.deepEqual(state.agent.permissions.scopes, ['files:read'], 'not rolled back over their change');
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(state.agent.permissions, { scopes: ['email:read', 'email:send'], maxDailyTokenSpend: 9 });
  assert.ok(patches().every((call) => call.headers['if-match']));
  await end(page);
});

test('the server fails while saving: it says so, keeps the draft, and saving again works', async () => {
  const page = await tab('settings');
  const form = config(page);
  await form.getByLabel('Note', { exact: true }).fill('kept');
  for (const status of [503, 'drop']) {
    const undo = played.fail(...PATCH, status);
    await form.getByRole('button', { name: 'Save and redeploy' }).click();
    await form.getByRole('alert').filter({ hasText: status === 503 ? 'The database is away.' : /did not answer|had trouble/ }).waitFor();
    undo();
  }
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), 'kept');
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await page.getByText('Saved. The agent is deployed with it.').waitFor();
  assert.equal(state.agent.config.note, 'kept');
  assert.equal(await form.getByText('Not saved').count(), 0);
  await end(page);
});

test('a slow server: each tab says that it loads, and a click on save counts once', async () => {
  const page = await tab('settings');
  const form = config(page);
  await form.getByLabel('Note', { exact: true }).fill('once');
  const release = played.hold(...PATCH);
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await form.locator('button[aria-busy=true]').waitFor();
  await form.getByLabel('Note', { exact: true }).press('Enter');
  await form.getByLabel('Note', { exact: true }).fill('typed since');
  release();
  await page.getByText('Saved. The agent is deployed with it.').waitFor();
  assert.equal(patches().length, 1);
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), 'typed since', 'what was typed meanwhile stays');
  const open = played.hold('GET', '/api/agents/:id/deployments');
  await page.getByRole('link', { name: 'Deployments' }).click();
  await page.getByRole('status', { name: 'Loading deployments' }).waitFor();
  open();
  await page.getByRole('list', { name: 'Deployments', exact: true }).waitFor();
  await end(page);
});

test('the update to a newer version is asked about first', async () => {
  const page = await tab('settings');
  await page.getByRole('button', { name: 'Update to version 2…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Update to version 2?' });
  await dialog.getByRole('button', { name: 'Update', exact: true }).click();
  await page.getByText('This is the newest version.').waitFor();
  assert.deepEqual(patches().map((call) => call.body), [{ runtimeVersion: '2' }]);
  await end(page);
});

test('the question about a version stays the one that was asked, and does not come back by itself', async () => {
  const page = await tab('settings');
  const elsewhere = async (runtimeVersion, sign) => {
    state.elsewhere({ runtimeVersion });
    await page.getByText(sign).first().waitFor();
  };
  await page.getByRole('button', { name: 'Update to version 2…' }).click();
  await page.getByRole('dialog', { name: 'Update to version 2?' }).waitFor();
  await elsewhere('2', 'This is the newest version.');
  assert.deepEqual(await page.getByRole('dialog').getByRole('heading').allInnerTexts(), ['Update to version 2?']);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // Rolled back by somebody else: there is a newer version again, and nobody has asked about it here.
  await elsewhere('1', 'Version 2 is out.');
  assert.equal(await page.getByRole('dialog').count(), 0);
  assert.equal(patches().length, 0);
  await end(page);
});
