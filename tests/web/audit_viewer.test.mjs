// The audit log before the real server: an agent's and the client's, filtered, exported and verified, with
// a record that somebody altered in the database.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { end, findings, saved, sideways, Site, until } from './browser.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}';
const MANY = 420;
const site = new Site();
let customer;
let agent;
let client;

const sql = (text) => site.platform.sql(text);
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const append = (events) => sql(`SELECT audit.append(${quoted(JSON.stringify(events.map((one) => ({ clientId: client, metadata: {}, outcome: 'success', ...one }))))})`);

before(async () => {
  await site.start();
  customer = await site.customer();
  client = (await customer.must(200, 'GET', '/api/auth/session')).client.id;
  agent = await customer.deploy('Inbox assistant');
  await customer.verdict(agent);
  const asAgent = { agentId: agent, actorType: 'agent', actorId: agent };
  append([
    { ...asAgent, actionType: 'api_call', target: 'refused.example.com', outcome: 'denied', metadata: { reason: `No scope lets it ${HOSTILE}` } },
    { actorType: 'operator', actionType: 'client_suspended', target: HOSTILE },
    ...Array.from({ length: MANY }, (_, index) => ({ ...asAgent, actionType: 'api_call', target: `host-${index}.example.com` })),
  ]);
});
after(async () => assert.equal(await site.stop(), 0));
beforeEach(() => site.confirmed());

const opened = async (path, options) => {
  const page = await site.window({ customer, ...options });
  await page.open(path);
  return page;
};
const rows = (page) => page.getByRole('list', { name: 'Audit records, newest first' }).locator('> li');
const row = (page, text) => rows(page).filter({ hasText: text });
const asked = (page) => Object.fromEntries(new URL(page.url()).searchParams);
// Every record of the log, oldest first, as the server exports it.
const whole = async () => (await customer.call('GET', '/api/audit/export?format=jsonl')).text.trim().split('\n').map((line) => JSON.parse(line));
async function exportOf(page, format) {
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  return saved(page, () => page.getByRole('menuitem', { name: format }).click());
}
async function verified(page) {
  await page.getByRole('button', { name: 'Verify' }).click();
  const dialog = page.getByRole('dialog', { name: 'Verify the audit log' });
  await dialog.getByRole('button', { name: 'Verify' }).click();
  return dialog;
}

test('each filter narrows the log, is in the address, and is there again after a reload', async () => {
  const page = await opened('/audit');
  await row(page, 'host-419.example.com').waitFor();
  assert.equal(await rows(page).count(), 50, 'a page of it');
  await page.getByRole('group', { name: 'Outcome' }).getByRole('button', { name: 'Denied' }).click();
  await row(page, 'refused.example.com').waitFor();
  await until('only this one', async () => (await rows(page).count()) === 1);
  await page.reload();
  await row(page, 'refused.example.com').waitFor();
  assert.equal(await rows(page).count(), 1);
  assert.deepEqual(asked(page), { outcome: 'denied' });
  await page.getByRole('group', { name: 'Outcome' }).getByRole('button', { name: 'All' }).click();

  await page.getByLabel('Search the log').fill('host-7.example');
  await until('found by a part of its target', async () => (await rows(page).count()) === 1);
  await page.getByLabel('Search the log').fill('nothing has this');
  await page.getByText('No record fits').waitFor();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await row(page, 'host-419.example.com').waitFor();
  assert.deepEqual(asked(page), {});

  await page.getByRole('button', { name: 'Filters', exact: true }).click();
  await page.getByLabel('Exact target').fill('host-7.example.com');
  await until('by target', async () => (await rows(page).count()) === 1);
  await page.getByLabel('Exact target').fill('');
  await page.getByLabel('Agent', { exact: true }).selectOption({ label: 'Inbox assistant' });
  await page.getByLabel('Action', { exact: true }).selectOption('agent_created');
  await row(page, 'Agent deployed').or(row(page, 'Agent created')).first().waitFor();
  await until('by agent and action', async () => (await rows(page).count()) === 1);
  await page.reload();
  await until('the same after a reload', async () => (await rows(page).count()) === 1);
  assert.deepEqual(asked(page), { agent, action: 'agent_created' });
  await end(page);
});

test('a time from … to … holds what happened then', async () => {
  // The moment of the refusal, to the minute as the field knows it; the log is younger than that.
  const page = await opened('/audit?action=api_call', { timezoneId: 'Asia/Tokyo' });
  await row(page, 'host-419.example.com').waitFor();
  await page.getByLabel('Time', { exact: true }).selectOption('own');
  const local = (ms) => new Date(ms + 9 * 3_600_000).toISOString().slice(0, 16);
  await page.getByLabel('From (your time)').fill(local(Date.now() - 7_200_000));
  await page.getByLabel('To', { exact: true }).fill(local(Date.now() - 3_600_000));
  await page.getByText('No record fits').waitFor();
  await page.getByLabel('To', { exact: true }).fill(local(Date.now() + 3_600_000));
  await row(page, 'host-419.example.com').waitFor();
  await page.getByLabel('Time', { exact: true }).selectOption('1h');
  await row(page, 'host-419.example.com').waitFor();
  assert.deepEqual(asked(page), { action: 'api_call', since: '1h' });
  await end(page);
});

test('a day is typed key by key: the fields stay, and nobody asks for the year 2', async () => {
  const page = await opened('/audit?actor=agent');
  await row(page, 'host-419.example.com').waitFor();
  const years = [];
  page.on('request', (request) => { const from = new URL(request.url()).searchParams.get('from'); if (from) years.push(Number(from.slice(0, from.indexOf('-', 1)))); });
  await page.getByLabel('Time', { exact: true }).selectOption('own');
  const field = page.getByLabel('From (your time)');
  await field.focus();
  await page.keyboard.press('Delete');
  await page.keyboard.type('01022031');
  await until('the address has the day', () => asked(page).from?.startsWith('2031-'));
  await page.getByText('No record fits').waitFor();
  assert.match(await field.inputValue(), /^2031-/);
  assert.deepEqual(years.filter((year) => year < 2000), []);
  await end(page);
});

test('who did it is found however far back it is', async () => {
  const page = await opened('/audit?actor=operator');
  await row(page, HOSTILE).waitFor();
  assert.equal(await rows(page).count(), 1);
  await page.getByLabel('Done by').selectOption('user');
  await row(page, 'Agent deployed').or(row(page, 'Agent created')).first().waitFor();
  const people = (await whole()).filter((one) => one.actor.type === 'user').length;
  await until('everything that people did', async () => (await rows(page).count()) === people);
  assert.deepEqual(asked(page), { actor: 'user' });
  await page.getByLabel('Done by').selectOption('api_key');
  await page.getByText('No record fits').waitFor();
  await end(page);
});

test('the export holds what is filtered, all of it and nothing else, with the hashes', async () => {
  const page = await opened('/audit?actor=user');
  await rows(page).first().waitFor();
  const wanted = (await whole()).filter((one) => one.actor.type === 'user');
  const lines = await exportOf(page, 'JSON lines, with hashes');
  assert.equal(lines.name, 'audit.jsonl');
  const got = lines.text.trim().split('\n').map((line) => JSON.parse(line));
  // Every export is recorded as well.
  assert.deepEqual(got.slice(0, wanted.length), wanted);
  assert.ok(got.every((one) => one.actor.type === 'user' && /^[0-9a-f]{64}$/.test(one.hash)));
  const table = await exportOf(page, 'CSV for spreadsheets');
  const [head, ...cells] = table.text.trim().split('\r\n');
  assert.match(head, /^seq,createdAt,agentId,actorType/);
  assert.ok(cells.length >= wanted.length);
  assert.ok(cells.every((line) => line.split(',')[3] === '"user"'));
  assert.deepEqual(cells.slice(0, wanted.length).map((line) => line.split(',')[0]), wanted.map((one) => `"${one.seq}"`));

  await page.open(`/agents/${agent}/activity?q=host-7.`);
  await row(page, 'host-7.example.com').waitFor();
  const one = await exportOf(page, 'JSON lines, with hashes');
  assert.deepEqual(one.text.trim().split('\n').map((line) => JSON.parse(line).target), ['host-7.example.com']);
  await end(page);
});

test('times relative or in UTC; a row opens to the whole record and its hash, which the browser checks', async () => {
  const page = await opened('/audit?target=refused.example.com');
  const line = row(page, 'refused.example.com');
  await line.waitFor();
  const record = (await whole()).find((one) => one.target === 'refused.example.com');
  assert.match(await line.locator('time').first().innerText(), /now|ago/);
  await page.getByRole('group', { name: 'Times' }).getByRole('button', { name: 'UTC' }).click();
  assert.equal(await line.locator('time').first().innerText(), `${record.createdAt.slice(0, 19).replace('T', ' ')} UTC`);
  assert.equal(asked(page).time, 'utc');
  await line.getByText(`No scope lets it ${HOSTILE}`).waitFor();
  await line.getByRole('button', { expanded: false }).click();
  const shown = JSON.parse(await line.getByLabel('The record as JSON').innerText());
  const { hash, prevHash, metadataText, ...told } = record;
  assert.deepEqual(shown, { ...told, metadata: JSON.parse(metadataText) });
  await line.getByRole('button', { name: 'Show and check its hash' }).click();
  await line.getByText('Your browser hashed this record and got the same.').waitFor();
  await line.getByText(hash, { exact: true }).waitFor();
  await line.getByText(prevHash, { exact: true }).waitFor();
  await end(page);
});

test('an agent’s activity is its own log, and has no agent to choose', async () => {
  const page = await opened(`/agents/${agent}/activity?target=${encodeURIComponent('Inbox assistant')}`);
  await rows(page).first().waitFor();
  assert.equal(await page.getByLabel('Agent', { exact: true }).count(), 0);
  await page.open(`/agents/${agent}/activity?actor=operator`);
  await page.getByText('No record fits').waitFor();
  append([{ agentId: agent, actorType: 'agent', actorId: agent, actionType: 'api_call', target: 'just.now.example.com' }]);
  await page.open(`/agents/${agent}/activity`);
  await row(page, 'just.now.example.com').waitFor();
  append([{ agentId: agent, actorType: 'agent', actorId: agent, actionType: 'api_call', target: 'while.open.example.com' }]);
  await row(page, 'while.open.example.com').waitFor();
  await end(page);
});

test('verify says that the log is whole; a record that was altered, or taken out, is named', async () => {
  const page = await opened('/audit');
  const seq = (await whole()).find((one) => one.target === 'refused.example.com').seq;
  const altered = (change) => sql(`SET session_replication_role = replica; ${change}`);
  const here = `client_id = '${client}' AND seq = ${seq}`;
  let dialog = await verified(page);
  await dialog.getByText('The log is whole').waitFor();
  const { hash } = (await whole()).at(-2);
  assert.match(await dialog.innerText(), new RegExp(hash), 'the hash to note');
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole('button', { name: 'Close' }).last().click();

  altered(`UPDATE audit_logs SET target = 'innocent.example.com' WHERE ${here}`);
  dialog = await verified(page);
  await dialog.getByText(`Record ${seq} was changed: its content does not fit its hash.`).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  altered(`UPDATE audit_logs SET target = 'refused.example.com' WHERE ${here}; DELETE FROM audit_logs WHERE client_id = '${client}' AND seq = ${seq + 1}`);
  dialog = await verified(page);
  await dialog.getByText(`Record ${seq + 1} is missing: ${seq + 2} follows ${seq}.`).waitFor();
  await dialog.getByText('The log was changed').waitFor();
  // What it asks for then is there to press: the log as it is now.
  const file = await saved(page, () => dialog.getByRole('button', { name: 'Export the log' }).click());
  const kept = file.text.trim().split('\n').map((line) => JSON.parse(line).seq);
  assert.deepEqual([kept.includes(seq), kept.includes(seq + 1), kept.includes(seq + 2)], [true, false, true]);
  await end(page);
});

for (const options of [{ width: 390, height: 844, colorScheme: 'dark' }, { colorScheme: 'light' }]) {
  test(`with every filter and a row open, ${options.width ?? 1200} px wide: nothing sticks out, axe finds nothing`, async () => {
    const page = await opened('/audit?target=refused.example.com&time=utc', options);
    await row(page, 'refused.example.com').getByRole('button', { expanded: false }).click();
    await page.getByRole('button', { name: 'Show and check its hash' }).click();
    await page.getByText('Hash before').waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await sideways(page), 0);
    await end(page);
  });
}
