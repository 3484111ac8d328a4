// An agent's page before the real server: permissions, settings, output and deleting, with other changes in
// between, with a stale second factor and with hostile text.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { end, findings, freshCode, sideways, Site, until } from './browser.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}<b>';
const site = new Site();
let customer;
let agent;

const read = async () => (await customer.must(200, 'GET', `/api/agents/${agent}`)).agent;
const change = (body) => customer.must(202, 'PATCH', `/api/agents/${agent}`, body);

before(async () => {
  await site.start();
  customer = await site.customer();
  agent = await customer.deploy('Inbox assistant', { note: 'hello', printCount: 2 }, { permissions: { scopes: ['email:read'], maxDailyTokenSpend: 5 } });
  await customer.verdict(agent);
});
after(async () => assert.equal(await site.stop(), 0));
// Nothing here takes so long that a code would be asked for, unless it is about that.
beforeEach(() => site.confirmed());

// The server stores what was left out as empty.
const filled = (permissions) => ({ allowedDomains: [], approval: [], rateLimits: {}, ...permissions });
const holds = async (wanted, why) => assert.deepEqual(filled((await read()).permissions), filled(wanted), why);

async function tab(name, options = {}) {
  const page = await site.window({ customer, ...options });
  await page.open(`/agents/${agent}/${name}`);
  return page;
}
const scope = (page, title) => page.getByRole('checkbox', { name: title, exact: true });
const config = (page) => page.getByRole('form', { name: 'Configuration' });
const elsewhere = (page) => page.getByRole('alert').filter({ hasText: 'Changed elsewhere meanwhile' });

// What the page sends to change the agent; `first` runs before the first of these reaches the server.
async function watch(page, first = async () => {}) {
  const sent = [];
  await page.route(`**/api/agents/${agent}`, async (route) => {
    if (route.request().method() !== 'PATCH') return route.continue();
    sent.push(route.request());
    if (sent.length === 1) await first();
    return route.continue();
  });
  return sent;
}

async function saveReviewed(page) {
  await page.getByRole('button', { name: 'Review and save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Save these permissions?' });
  await dialog.getByText(/No difference|nothing to compare|Would now be/).first().waitFor();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

test('permissions are saved one after the other, each over what was seen', async () => {
  const page = await tab('permissions');
  const sent = await watch(page);
  await scope(page, 'Send e-mail').check();
  const mail = page.getByRole('group', { name: 'Send e-mail' });
  await mail.getByLabel('A person approves each time').check();
  await mail.getByLabel('At most an hour').fill('20');
  await saveReviewed(page);
  await page.getByLabel('Model spend a day, in US dollars').fill('2.5');
  await saveReviewed(page);
  await holds({ scopes: ['email:read', 'email:send'], rateLimits: { 'email:send': { maxPerHour: 20 } }, approval: ['email:send'], maxDailyTokenSpend: 2.5 });
  assert.equal(sent.length, 2, 'neither was refused');
  assert.ok(sent.every((request) => request.headers()['if-match']));
  assert.equal(await elsewhere(page).count(), 0);
  await end(page);
});

test('a refused domain is said at its field, and the draft stays', async () => {
  const page = await tab('permissions');
  await page.getByLabel('Domains it may call').fill('api.example.com\n10.0.0.1');
  await page.getByRole('button', { name: 'Review and save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Save these permissions?' });
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByRole('alert').last().waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  const field = page.getByLabel('Domains it may call');
  await until('the field is marked', async () => (await field.getAttribute('aria-invalid')) === 'true');
  assert.equal(await field.inputValue(), 'api.example.com\n10.0.0.1');
  await page.getByRole('button', { name: 'Undo' }).click();
  await end(page);
});

test('another person’s permissions in between are not lost: theirs or mine, by choice', async () => {
  const page = await tab('permissions');
  const theirs = { scopes: ['email:read', 'calendar:read'], maxDailyTokenSpend: 5 };
  const sent = await watch(page, () => change({ permissions: theirs }));
  await scope(page, 'Chat').check();
  await page.getByRole('button', { name: 'Review and save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  await elsewhere(page).getByText('Before: It may read your calendars.').waitFor();
  assert.equal(sent.length, 1);
  await holds(theirs);
  await elsewhere(page).getByRole('button', { name: 'Take theirs' }).click();
  await elsewhere(page).waitFor({ state: 'detached' });
  assert.ok(await scope(page, 'Read calendars').isChecked());
  assert.equal(await scope(page, 'Chat').isChecked(), false);

  // While a draft is open the page learns of it by itself.
  await scope(page, 'Chat').check();
  await change({ permissions: { ...theirs, maxDailyTokenSpend: 7 } });
  await elsewhere(page).getByText('Before: It may spend up to $7.00').waitFor();
  await elsewhere(page).getByRole('button', { name: 'Keep mine' }).click();
  await saveReviewed(page);
  await holds({ scopes: ['email:read', 'calendar:read', 'messaging:send'], maxDailyTokenSpend: 5 });
  await end(page);
});

test('settings: the form and the JSON change one draft, and another change in between is not overwritten', async () => {
  const page = await tab('settings');
  const form = config(page);
  await form.getByLabel('Print count', { exact: true }).fill('3');
  await form.getByRole('button', { name: 'JSON' }).click();
  const text = form.getByLabel('As JSON');
  assert.deepEqual(JSON.parse(await text.inputValue()), { note: 'hello', printCount: 3 });
  await text.fill(JSON.stringify({ note: HOSTILE, printCount: 3 }));
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await page.getByText('Saved. The agent is deployed with it.').waitFor();
  await form.getByRole('button', { name: 'Form' }).click();
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), HOSTILE);
  assert.deepEqual((await read()).config, { note: HOSTILE, printCount: 3 });

  await watch(page, () => change({ config: { note: 'theirs', printCount: 3 } }));
  await form.getByLabel('Print count', { exact: true }).fill('4');
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await elsewhere(form).getByRole('list', { name: 'What differs' }).getByText('theirs', { exact: true }).waitFor();
  assert.deepEqual((await read()).config, { note: 'theirs', printCount: 3 });
  await elsewhere(form).getByRole('button', { name: 'Take theirs' }).click();
  assert.equal(await form.getByLabel('Note', { exact: true }).inputValue(), 'theirs');
  await form.getByLabel('Print count', { exact: true }).fill('4');
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await until('both are stored', async () => JSON.stringify((await read()).config) === JSON.stringify({ note: 'theirs', printCount: 4 }));
  assert.equal((await customer.verdict(agent)).deployment.state, 'live');
  await end(page);
});

test('settings that the runtime refuses are said at their field; the export holds what is stored', async () => {
  const page = await tab('settings');
  const form = config(page);
  await form.getByRole('button', { name: 'Add a setting' }).click();
  await form.getByLabel('Name', { exact: true }).fill('proxyUrl');
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await form.getByRole('button', { name: 'Save and redeploy' }).click();
  await form.getByText('the platform sets it').waitFor();
  await form.getByRole('button', { name: 'Undo' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), 'Inbox-assistant.json');
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  const stored = await read();
  const exported = JSON.parse(Buffer.concat(chunks).toString());
  assert.deepEqual(exported.config, stored.config);
  assert.deepEqual(exported.permissions, stored.permissions);
  await end(page);
});

test('a stale second factor asks for a code in the middle of a save, and the save goes on once', async () => {
  const page = await tab('settings');
  const sent = await watch(page);
  site.confirmed('1 hour');
  const name = page.getByRole('form', { name: 'Name' });
  await name.getByLabel('Name').fill('Inbox helper');
  await name.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Confirm it is you' });
  await dialog.waitFor();
  await dialog.getByLabel('Digit 1').click();
  await page.keyboard.type(await freshCode(customer));
  await page.getByRole('heading', { name: 'Inbox helper', level: 1 }).waitFor();
  assert.deepEqual(sent.map((request) => request.postDataJSON()), [{ name: 'Inbox helper' }, { name: 'Inbox helper' }], 'refused, then done');
  assert.ok(sent[0].headers()['if-match'] && sent[0].headers()['if-match'] === sent[1].headers()['if-match']);
  await end(page);
  assert.equal((await read()).name, 'Inbox helper');
});

test('hostile text stays text in every tab; the agent is deleted by typing its name', async () => {
  const target = await customer.deploy(HOSTILE, { note: HOSTILE, print: 'ansi', printCount: 1, exitCode: 78, exitAfterMs: 1000 }, { permissions: { scopes: ['email:read'] } });
  await customer.verdict(target);
  const text = (value) => `'${value.replaceAll("'", "''")}'`;
  site.platform.sql(`UPDATE deployments SET last_output = ${text(HOSTILE)}, reason = ${text(HOSTILE)} WHERE agent_id = '${target}'`);
  for (const options of [{}, { width: 390, colorScheme: 'dark' }]) {
    const page = await site.window({ customer, ...options });
    for (const [name, sign] of [['', 'At a glance'], ['activity', HOSTILE], ['output', 'probe: exiting with code 78 as told'], ['permissions', 'In words'], ['credentials', /credential/i], ['deployments', 'holds now'], ['settings', 'Delete this agent'], ['settings?view=json', 'As JSON']]) {
      await page.open(`/agents/${target}/${name}`);
      await page.getByText(sign).first().waitFor();
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), HOSTILE);
      if (name === 'deployments') await page.locator('summary').first().click();
      if (name === 'output') {
        // Its container is dead; what a terminal would obey was taken out of what it wrote.
        await page.getByText('It does not run now. This is what it wrote before.').waitFor();
        await page.locator('.output-text').filter({ hasText: /^red 0 <script>$/ }).first().waitFor();
        assert.equal(await page.locator('.output-text .ansi-1').first().innerText(), 'red 0', 'and is as red as it wrote it');
        assert.equal(await page.getByRole('log', { name: 'Output of the agent' }).locator('[style], script').count(), 0);
        await page.getByLabel('Search the output').fill('RED 0 <');
        await page.locator('.output-text mark').filter({ hasText: /^red 0 <$/ }).first().waitFor();
      }
      assert.equal(await sideways(page), 0, `${name} sticks out`);
      assert.equal(await page.locator('main img[src="x"]').count(), 0, name);
      assert.deepEqual(page.faults, [], name);
    }
    await page.done();
  }
  const page = await site.window({ customer });
  await page.open(`/agents/${target}/settings`);
  await page.getByRole('button', { name: 'Delete…' }).click();
  const dialog = page.getByRole('dialog');
  const remove = dialog.getByRole('button', { name: 'Delete', exact: true });
  await dialog.getByRole('textbox').fill('another name');
  assert.ok(await remove.isDisabled());
  await dialog.getByRole('textbox').fill(HOSTILE);
  await remove.click();
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  await until('it is gone', async () => (await customer.call('GET', `/api/agents/${target}`)).status === 404);
  await end(page);
});
