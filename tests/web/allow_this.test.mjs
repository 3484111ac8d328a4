// What an agent was refused, and "Allow this" beside it: from the overview to what is saved, with the
// mouse, with the keyboard alone, in a narrow window, and what a viewer sees of it. A played API.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { AGENT, tellAgent } from './agent_data.mjs';
import { end, findings, Played, sideways } from './played.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}';
const SEND = 'Send e-mail: it tried to send one through Gmail.';
const CALL = 'Call api.example.com.';
const ago = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
const played = new Played();
let state;

before(() => played.start());
after(() => played.stop());
beforeEach(() => {
  played.reset();
  Object.assign(played.session, { fresh: true });
  played.session.user.role = 'owner';
  state = tellAgent(played);
  const all = [
    { id: 'scope:email:send', sentence: SEND, addScopes: ['email:send'], addDomains: [], count: 14, lastAt: ago(2), example: 'POST gmail.googleapis.com/gmail/v1/users/me/messages/send' },
    { id: 'domain:api.example.com', sentence: CALL, addScopes: ['api:outbound'], addDomains: ['api.example.com'], count: 1, lastAt: ago(30), example: `GET api.example.com/${HOSTILE}` }];
  const holds = ({ addScopes, addDomains }) => addScopes.every((one) => state.agent.permissions.scopes.includes(one))
    && addDomains.every((one) => (state.agent.permissions.allowedDomains ?? []).includes(one));
  played.on('GET', '/api/agents/:id/suggestions', () => ({ from: ago(720), items: all.filter((one) => !holds(one)), unlisted: 0,
    notGrantable: [{ host: 'gmail.googleapis.com', rule: 'batch', reason: 'Several calls in one cannot be told apart.', count: 3, lastAt: ago(5), example: 'POST gmail.googleapis.com/batch/gmail/v1' }] }));
});

const open = (tab, options) => played.open(`/agents/${AGENT}/${tab}`, options);
const entry = (page, text) => page.getByRole('listitem').filter({ hasText: text });
const allow = (page, text) => entry(page, text).getByRole('button', { name: 'Allow this' });
const review = (page) => page.getByRole('button', { name: 'Review and save' });
const dialog = (page) => page.getByRole('dialog', { name: 'Save these permissions?' });
const patches = () => played.callsOf('PATCH', '/api/agents/:id').map(({ body }) => body);
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim());

test('from the refusal on the overview to what is saved, with the mouse', async () => {
  const page = await open('');
  await page.getByRole('link', { name: '2 things' }).click();
  await page.waitForURL(/\/permissions$/);
  await allow(page, SEND).waitFor();
  assert.ok(await review(page).isDisabled(), 'nothing is allowed by itself');
  await entry(page, 'Several calls in one').getByText('cannot be allowed').waitFor();
  assert.equal(await allow(page, 'Several calls in one').count(), 0);
  await page.getByText(HOSTILE).waitFor();
  await allow(page, SEND).click();
  await entry(page, SEND).getByText('in the draft').waitFor();
  assert.equal(patches().length, 0, 'a draft is not saved');
  assert.ok(await page.getByRole('checkbox', { name: 'Send e-mail', exact: true }).isChecked());
  await allow(page, CALL).click();
  assert.equal(await page.getByLabel('Domains it may call').inputValue(), 'api.example.com');
  await review(page).click();
  const changes = dialog(page).getByRole('list', { name: 'What changes' });
  await changes.getByText('It may send e-mail in your name.').waitFor();
  await changes.getByText('Domains added: api.example.com.').waitFor();
  await dialog(page).getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved. It holds within a second.').waitFor();
  assert.deepEqual(patches(), [{ permissions: { scopes: ['email:read', 'email:send', 'api:outbound'], allowedDomains: ['api.example.com'], maxDailyTokenSpend: 5 } }]);
  await allow(page, SEND).waitFor({ state: 'detached' });
  await entry(page, SEND).waitFor({ state: 'detached' });
  await end(page);
});

test('taken back before it is saved: it is offered again, and nothing was sent', async () => {
  const page = await open('permissions');
  await allow(page, SEND).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await allow(page, SEND).waitFor();
  assert.ok(!(await page.getByRole('checkbox', { name: 'Send e-mail', exact: true }).isChecked()));
  assert.equal(patches().length, 0);
  await end(page);
});

test('with the keyboard alone: the focus is never lost, from the button to what is saved', async () => {
  const page = await open('permissions');
  await allow(page, SEND).waitFor();
  const tabTo = async (name) => {
    for (let press = 0; press < 120; press += 1) {
      await page.keyboard.press('Tab');
      if (await focused(page) === name) return;
    }
    assert.fail(`Tab does not reach ${name}`);
  };
  await tabTo('Allow this');
  await page.keyboard.press('Enter');
  await entry(page, SEND).getByText('in the draft').waitFor();
  assert.equal(await focused(page), 'in the draft', 'the focus is where the button was');
  // The next one is one step further, not all the way from the top again.
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'Allow this');
  await page.keyboard.press('Space');
  await entry(page, CALL).getByText('in the draft').waitFor();
  await tabTo('Review and save');
  await page.keyboard.press('Enter');
  await dialog(page).waitFor();
  await dialog(page).getByText('No difference: all').waitFor();
  await tabTo('Save');
  await page.keyboard.press('Enter');
  await page.getByText('Saved. It holds within a second.').waitFor();
  assert.deepEqual(patches()[0].permissions.scopes, ['email:read', 'email:send', 'api:outbound']);
  await dialog(page).waitFor({ state: 'detached' });
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
  await end(page);
});

test('a code is asked for where the second factor is not fresh, and the draft survives both answers', async () => {
  played.session.fresh = false;
  const page = await open('permissions');
  await allow(page, SEND).click();
  await review(page).click();
  await dialog(page).getByRole('button', { name: 'Save', exact: true }).click();
  const code = page.getByRole('dialog', { name: 'Confirm it is you' });
  await code.waitFor();
  await page.keyboard.press('Escape');
  await code.waitFor({ state: 'detached' });
  assert.deepEqual(state.agent.permissions.scopes, ['email:read'], 'not without the code');
  await dialog(page).getByRole('button', { name: 'Save', exact: true }).click();
  await code.waitFor();
  await page.keyboard.type('123456');
  await page.getByText('Saved. It holds within a second.').waitFor();
  assert.deepEqual(state.agent.permissions.scopes, ['email:read', 'email:send']);
  await end(page);
});

test('a viewer reads what was refused and can allow nothing', async () => {
  played.session.user.role = 'viewer';
  const page = await open('permissions');
  await entry(page, SEND).waitFor();
  await page.getByText('Your role can read these permissions').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Allow this' }).count(), 0);
  assert.equal(await review(page).count(), 0);
  await end(page);
});

for (const colorScheme of ['light', 'dark']) {
  test(`390 px wide, ${colorScheme}: nothing sticks out, axe finds nothing, and it is done to the end`, async () => {
    const page = await open('permissions', { width: 390, height: 844, colorScheme });
    await allow(page, CALL).waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await sideways(page), 0);
    await allow(page, CALL).click();
    await entry(page, CALL).getByText('in the draft').waitFor();
    assert.deepEqual(await findings(page), []);
    await review(page).click();
    await dialog(page).getByText('Domains added: api.example.com.').waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await sideways(page), 0);
    await dialog(page).getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved. It holds within a second.').waitFor();
    assert.deepEqual(patches()[0].permissions.allowedDomains, ['api.example.com']);
    await end(page);
  });
}
