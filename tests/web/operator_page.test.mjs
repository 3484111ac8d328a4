// The operator's area, with a played API: clients, agents of all, hosts, waitlist, plan overrides, suspending.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness.mjs';
import { tellOperator } from './coming_data.mjs';
import { findings, Played, sideways } from './played.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}<b>';
const played = new Played();
let session;
let data;

before(async () => {
  await played.start();
  session = structuredClone(played.session);
});
beforeEach(() => {
  played.session = structuredClone(session);
  played.reset();
  data = tellOperator(played);
});
after(() => played.stop());

const tabs = (page) => page.getByRole('navigation', { name: 'Parts of the operator area' });
const clientPath = (index) => `/operator/clients/${data.clients[index].id}`;

test('clients are searched and filtered by the server, with both in the address', async () => {
  const page = await played.window();
  await page.open('/operator?status=suspended');
  await page.getByRole('link', { name: 'Okafor & Sons' }).waitFor();
  await page.getByText('Chargeback of the October invoice').waitFor();
  assert.equal(await page.getByRole('row').count(), 2);
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await page.getByRole('link', { name: 'Fjord Travel' }).waitFor();
  await page.getByLabel('Search clients').fill('harbor');
  await page.getByRole('link', { name: 'Fjord Travel' }).waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).search, '?q=harbor');
  await page.getByRole('link', { name: 'Blue Harbor Logistics' }).click();
  await page.getByRole('heading', { name: 'Blue Harbor Logistics', level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole('link', { name: 'Blue Harbor Logistics' }).waitFor();
  assert.equal(await page.getByLabel('Search clients').inputValue(), 'harbor');
  await page.getByLabel('Search clients').fill('there is none');
  await page.getByRole('heading', { name: 'No clients fit' }).waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('link', { name: 'Fjord Travel' }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('agents of all clients, hosts with what is reserved of them, and who waits, by keyboard', async () => {
  const page = await played.window();
  await page.open('/operator');
  await page.getByRole('link', { name: 'Fjord Travel' }).waitFor();
  await tabs(page).getByRole('link', { name: 'Agents' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('cell', { name: 'Inbox assistant' }).first().waitFor();
  await page.getByRole('button', { name: 'Error', exact: true }).click();
  await page.getByRole('cell', { name: 'Inbox assistant' }).first().waitFor({ state: 'detached' });
  await page.getByText('Exited with code 78').first().waitFor();
  await tabs(page).getByRole('link', { name: 'Hosts' }).focus();
  await page.keyboard.press('Enter');
  const full = page.getByRole('row').filter({ hasText: 'box-2' });
  await full.getByText('14.9 of 16').waitFor();
  await full.getByRole('progressbar', { name: '93 % used' }).waitFor();
  await page.getByRole('row').filter({ hasText: 'box-4' }).getByText('Down').waitFor();
  await tabs(page).getByRole('link', { name: 'Waitlist' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Can we host it ourselves?').waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('parts that the server lacks have no tab, and their address says so', async () => {
  played.fail('GET', '/api/admin/hosts', 404);
  played.fail('GET', '/api/admin/waitlist', 501);
  const page = await played.window();
  await page.open('/operator');
  await tabs(page).getByRole('link', { name: 'Agents' }).waitFor();
  assert.equal(await tabs(page).getByRole('link').count(), 2);
  await page.open('/operator/hosts');
  await page.getByRole('heading', { name: 'This server does not offer the list of hosts' }).waitFor();
  await page.open('/operator/nothing');
  await page.getByRole('heading', { name: 'Page not found' }).waitFor();
  await page.done();
});

test('who is not an operator sees no trace of it', async () => {
  played.fail('GET', '/api/admin/clients', 403);
  const page = await played.window();
  await page.open('/operator');
  await page.getByRole('heading', { name: 'This is not for your role' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Operator' }).count(), 0);
  await page.done();
});

test('many clients come page by page; trouble and slowness are shown and got over', async () => {
  data.clients.push(...Array.from({ length: 70 }, (_, index) => ({ ...data.clients[0], id: `many-${index}`, name: `Client ${index + 1}` })));
  const page = await played.window();
  const mend = played.fail('GET', '/api/admin/clients', 500);
  await page.open('/operator');
  await page.getByRole('alert').filter({ hasText: 'The clients could not be loaded' }).waitFor();
  mend();
  const release = played.hold('GET', '/api/admin/clients');
  await page.getByRole('button', { name: 'Try again' }).click();
  release();
  await page.getByRole('link', { name: 'Client 43', exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Client 44', exact: true }).count(), 0);
  await page.getByRole('button', { name: 'More clients' }).click();
  await page.getByRole('link', { name: 'Client 70', exact: true }).waitFor();
  await page.done();
});

test('limits of a client’s own: errors by field, saved with the tag, shown as they are then', async () => {
  played.session.fresh = false;
  const page = await played.window();
  await page.open(clientPath(0));
  const form = page.getByRole('form', { name: 'Plan and limits' });
  await form.getByLabel('Agents').fill('many');
  await form.getByText('A number that is not below zero.').waitFor();
  assert.ok(await form.getByRole('button', { name: 'Save' }).isDisabled());
  await form.getByLabel('Agents').fill('20000');
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog', { name: 'Confirm it is you' }).waitFor();
  await page.keyboard.type('123456');
  await form.getByText('At most 10000.').waitFor();
  await form.getByLabel('Agents').fill('12');
  await form.getByLabel('Plan', { exact: true }).selectOption('team');
  await form.getByText('Own limit; the plan has 20').waitFor();
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The limits of Example GmbH are saved.').waitFor();
  assert.deepEqual(played.callsOf('PATCH', '/api/admin/clients/:id').at(-1).body, { plan: 'team', overrides: { agents: 12 } });
  assert.deepEqual(data.clients[0].overrides, { agents: 12 });
  // A second save goes with the tag of the first one's answer.
  await form.getByLabel('Agents').fill('');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByRole('button', { name: 'Save' }).and(page.locator(':disabled')).waitFor();
  await form.getByText('Own limit;').waitFor({ state: 'detached' });
  assert.deepEqual(data.clients[0].overrides, {});
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a change by somebody else is neither overwritten nor lost', async () => {
  const page = await played.window();
  await page.open(clientPath(0));
  const form = page.getByRole('form', { name: 'Plan and limits' });
  await form.getByLabel('Agents').fill('9');
  Object.assign(data.clients[0], { plan: 'scale', overrides: { agents: 500 } });
  data.touch(data.clients[0]);
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('It is now: plan scale, Agents 500.').waitFor();
  assert.deepEqual(data.clients[0].overrides, { agents: 500 });
  assert.equal(await form.getByLabel('Agents').inputValue(), '9', 'what was typed is still there');
  await form.getByRole('button', { name: 'Take theirs' }).click();
  await form.getByText('Somebody else changed this').waitFor({ state: 'detached' });
  assert.equal(await form.getByLabel('Agents').inputValue(), '500');
  await form.getByLabel('Agents').fill('9');
  Object.assign(data.clients[0], { overrides: { agents: 600 } });
  data.touch(data.clients[0]);
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByRole('button', { name: 'Keep mine' }).click();
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The limits of Example GmbH are saved.').waitFor();
  assert.deepEqual(data.clients[0].overrides, { agents: 9 });
  await page.done();
});

test('suspending needs the name typed and tells the reason; restoring takes it back', async () => {
  data.clients[0].name = HOSTILE;
  const page = await played.window();
  await page.open(clientPath(0));
  await page.getByRole('button', { name: 'Suspend…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill('Abuse report 7');
  assert.ok(await dialog.getByRole('button', { name: 'Suspend' }).isDisabled());
  await dialog.getByLabel(/to confirm/).fill(HOSTILE);
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  await page.getByText('Abuse report 7').waitFor();
  assert.deepEqual([data.clients[0].status, data.clients[0].suspendedReason], ['suspended', 'Abuse report 7']);
  await page.getByRole('button', { name: 'Restore…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('button', { name: 'Suspend…' }).waitFor();
  assert.equal(data.clients[0].status, 'active');
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('to suspend and to restore are two questions: the answer to one never asks the other', async () => {
  const page = await played.window();
  await page.open(clientPath(0));
  await page.getByRole('button', { name: 'Suspend…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/to confirm/).fill(data.clients[0].name);
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  await page.getByText('Example GmbH is suspended.').waitFor();
  await page.getByRole('button', { name: 'Restore…' }).waitFor();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Restore…' }).click();
  await page.getByRole('dialog', { name: 'Restore Example GmbH?' }).getByRole('button', { name: 'Restore' }).click();
  await page.getByText('Example GmbH is restored.').waitFor();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Suspend…' }).waitFor();
  assert.equal(played.callsOf('POST', '/api/admin/clients/:id/restore').length, 1);
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a client whose standing another operator changes: the question that was asked stays, with what was typed', async () => {
  const page = await played.window();
  await page.open(clientPath(0));
  await page.getByRole('button', { name: 'Suspend…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Suspend Example GmbH?' });
  await dialog.getByLabel('Reason').fill('Abuse report 7');
  Object.assign(data.clients[0], { status: 'suspended', suspendedReason: 'Chargeback' });
  // Who comes back to the window sees it as it is by then.
  await until('it is seen', async () => {
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
    return (await page.getByText('Chargeback').count()) > 0;
  }, 30);
  assert.deepEqual(await page.getByRole('dialog').getByRole('heading').allInnerTexts(), ['Suspend Example GmbH?']);
  assert.equal(await dialog.getByLabel('Reason').inputValue(), 'Abuse report 7');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Restore…' }).click();
  await page.getByRole('dialog', { name: 'Restore Example GmbH?' }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a member’s two-factor is reset only with the e-mail typed', async () => {
  const page = await played.window();
  await page.open(clientPath(0));
  await page.getByRole('button', { name: /Reset two-factor of owner@/ }).click();
  const dialog = page.getByRole('dialog');
  assert.ok(await dialog.getByRole('button', { name: 'Reset' }).isDisabled());
  await dialog.getByRole('textbox').fill('owner@example-gmbh.example');
  await dialog.getByRole('button', { name: 'Reset' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(played.callsOf('POST', '/api/admin/users/:id/two-factor-reset').length, 1);
  await page.open('/operator/clients/unknown');
  await page.getByRole('heading', { name: 'Page not found' }).waitFor();
  await page.done();
});

test('hostile names are text everywhere, and nothing sticks out of a narrow window', async () => {
  const long = `${HOSTILE}${'x'.repeat(90)}`;
  Object.assign(data.clients[0], { name: long, plan: 'team', status: 'suspended', suspendedReason: long });
  Object.assign(data.agents[0], { name: long, clientName: long, statusReason: long, runtimeVersion: long });
  Object.assign(data.hosts[0], { name: long, version: long, status: long });
  Object.assign(data.waiters[0], { name: long, company: long, message: long });
  for (const look of [{ width: 390 }, { width: 390, colorScheme: 'dark' }]) {
    for (const path of ['/operator', '/operator/agents', '/operator/hosts', '/operator/waitlist', clientPath(0)]) {
      const page = await played.window(look);
      await page.open(path);
      await page.getByText(long).first().waitFor();
      assert.equal(await sideways(page), 0, `${path} sticks out`);
      assert.deepEqual(await findings(page), [], path);
      assert.deepEqual(page.faults, [], path);
      await page.done();
    }
  }
});
