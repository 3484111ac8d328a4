// The way back before the real server: an agent's permissions, and a version with its settings, its
// permissions and its hidden values.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { end, findings, Site } from './browser.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}<b>';
const site = new Site();
let customer;

before(async () => {
  await site.start();
  customer = await site.customer();
});
after(async () => assert.equal(await site.stop(), 0));
// Nothing here is about a code.
beforeEach(() => site.confirmed());

// An agent's deployments, and the two steps of going back to one.
async function deploymentsOf(target) {
  const page = await site.window({ customer });
  await page.open(`/agents/${target}/deployments`);
  const rows = page.getByRole('list', { name: 'Deployments', exact: true }).locator('> li');
  const ask = async (index) => {
    await rows.nth(index).locator('summary').click();
    await rows.nth(index).getByRole('button', { name: 'Roll back to this version…' }).click();
    return page.getByRole('dialog', { name: 'Roll back to this version?' });
  };
  const confirm = async (dialog) => {
    const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/restore'));
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
    assert.match((await sent).headers()['if-match'], /^".+"$/);
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Rolled back. It is being deployed.').waitFor();
  };
  return { page, rows, ask, confirm };
}

test('permissions are rolled back after a look at what changes', async () => {
  const now = { scopes: ['email:read', 'calendar:read', 'messaging:send'], maxDailyTokenSpend: 5 };
  const target = await customer.deploy('Inbox assistant', { note: 'hello' }, { permissions: { scopes: ['email:read'], maxDailyTokenSpend: 5 } });
  await customer.verdict(target);
  for (const part of [{ permissions: now }, { config: { note: 'another' } }]) await customer.must(202, 'PATCH', `/api/agents/${target}`, part);
  // The server stores what was left out as empty.
  const holds = async (wanted, why) => assert.deepEqual((await customer.agent(target)).permissions, { allowedDomains: [], approval: [], rateLimits: {}, ...wanted }, why);
  const { page } = await deploymentsOf(target);
  await page.getByRole('list', { name: 'Deployments', exact: true }).getByText('Change of configuration by you').first().waitFor();
  const first = page.getByRole('list', { name: 'Versions of the permissions' }).getByRole('listitem').filter({ hasText: 'Roll back to these' }).last();
  await first.getByRole('button', { name: 'Roll back to these…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Roll back to these permissions?' });
  await dialog.getByText('Before: It may read your calendars.').waitFor();
  await holds(now, 'nothing yet');
  assert.deepEqual(await findings(page), []);
  const sent = page.waitForRequest((request) => request.method() === 'PATCH');
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
  assert.ok((await sent).headers()['if-match']);
  await dialog.waitFor({ state: 'detached' });
  await holds({ scopes: ['email:read'], maxDailyTokenSpend: 5 });
  await end(page);
  await customer.remove(target);
});

test('a version is rolled back: the agent has its settings and its permissions again, and is deployed with them', async () => {
  const target = await customer.deploy('Night watch', { note: 'first' }, { permissions: { scopes: ['email:read'], maxDailyTokenSpend: 5 } });
  const first = await customer.verdict(target);
  await customer.must(202, 'PATCH', `/api/agents/${target}`, { config: { note: HOSTILE, printCount: 1 }, permissions: { scopes: ['email:read', 'messaging:send'] } });
  const second = await customer.verdict(target);
  const { page, rows, ask, confirm } = await deploymentsOf(target);
  await rows.nth(0).locator('summary').click();
  await rows.nth(0).getByRole('list', { name: 'Configuration' }).getByText(HOSTILE, { exact: true }).waitFor();
  await rows.nth(0).getByText('It may read and write messages in the chats you connect.').waitFor();
  await rows.nth(0).getByText('This is what is deployed now.').waitFor();
  const dialog = await ask(1);
  await rows.nth(1).getByText('The first version.').waitFor();
  await dialog.getByText('It cannot send chat messages.').waitFor();
  await dialog.getByRole('listitem').filter({ hasText: 'printCount' }).getByText('not set', { exact: true }).waitFor();
  assert.deepEqual(await findings(page), []);
  assert.deepEqual((await customer.agent(target)).config, second.config, 'nothing yet');
  await confirm(dialog);
  const back = await customer.verdict(target);
  assert.deepEqual([first, second, back].map((one) => one.deployment.state), ['live', 'live', 'live']);
  for (const part of ['config', 'permissions', 'resources', 'runtimeVersion']) assert.deepEqual(back[part], first[part], part);
  await rows.nth(2).getByText('This is what is deployed now.').waitFor();
  assert.equal(await rows.count(), 3);
  await rows.nth(0).getByText('Roll back of configuration and permissions by you').waitFor();
  await end(page);
  await customer.remove(target);
});

test('a hidden value comes back with its version, and is never shown', async () => {
  // The probe takes no such setting and does not start: what is stored is the same.
  const target = await customer.deploy('Day watch', { apiKey: 'sk-first-value-of-the-key' });
  await customer.verdict(target);
  await customer.must(202, 'PATCH', `/api/agents/${target}`, { config: { apiKey: 'sk-another-value-of-it' } });
  await customer.verdict(target);
  const { page, rows, ask, confirm } = await deploymentsOf(target);
  await rows.nth(0).locator('summary').click();
  const changed = rows.nth(0).getByRole('list', { name: 'Configuration' });
  assert.deepEqual(await changed.getByRole('listitem').allInnerTexts(), ['apiKey\na hidden value, given anew or kept']);
  await rows.nth(0).getByText('These are the agent’s settings now.').waitFor();
  const dialog = await ask(1);
  await dialog.getByText('a hidden value, given anew or kept', { exact: true }).waitFor();
  await confirm(dialog);
  // The value is that of the first version for certain, and the second one’s is another.
  await rows.nth(2).getByText('These are the agent’s settings now.').waitFor();
  await rows.nth(1).getByRole('button', { name: 'Roll back to this version…' }).waitFor();
  assert.doesNotMatch(await page.content(), /sk-first|sk-another/);
  await end(page);
  await customer.remove(target);
});
