// When things go wrong: no server, a slow one, a failing one, a stale second factor, hostile names, a
// deployment that fails. The page says what happened and what to do.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { findings, freshCode, Site, sleep, until } from './browser.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}<b>';
const site = new Site();
let customer;
let failing;

before(async () => {
  await site.start();
  customer = await site.customer();
  failing = await customer.deploy(HOSTILE, { exitCode: 78, exitAfterMs: 1500, print: 'ansi', printCount: 3 });
  await customer.verdict(failing);
  site.platform.sql(`UPDATE deployments SET last_output = '<script>alert(2)</script>' WHERE agent_id = '${failing}'`);
});
after(async () => assert.equal(await site.stop(), 0));

const stale = () => site.confirmed('1 hour');
const posts = (page) => {
  const seen = [];
  page.on('request', (request) => { if (request.method() !== 'GET') seen.push(request); });
  return seen;
};

test('a stale second factor opens the code dialog, and the refused call is repeated once', async () => {
  const page = await site.window({ customer });
  await page.open('/security');
  await page.getByText('this one').waitFor();
  stale();
  const seen = posts(page);
  await page.getByRole('button', { name: 'New codes…' }).click();
  await page.getByRole('button', { name: 'Make new codes' }).click();
  const dialog = page.getByRole('dialog', { name: 'Confirm it is you' });
  await dialog.waitFor();
  await page.keyboard.type('000000');
  await dialog.getByRole('alert').waitFor();
  await page.keyboard.type(await freshCode(customer));
  await page.getByRole('dialog', { name: 'Your new recovery codes' }).waitFor();
  assert.equal(await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').count(), 10);
  const renewals = seen.filter((request) => request.url().endsWith('/recovery-codes'));
  assert.equal(renewals.length, 2, 'refused once, then done once');
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('closing the code dialog leaves everything as it was, and says so', async () => {
  const page = await site.window({ customer });
  await page.open('/security');
  await page.getByText('this one').waitFor();
  stale();
  await page.getByRole('button', { name: 'Replace…' }).click();
  await page.getByRole('dialog', { name: 'Confirm it is you' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('Nothing was changed').waitFor();
  assert.equal(await page.getByRole('dialog', { name: 'Confirm it is you' }).count(), 0);
  await page.done();
  await customer.verify();
});

test('no connection: says so, keeps what was typed, and goes on when it is back', async () => {
  const page = await site.window({ customer });
  let down = false;
  await page.route('**/api/agents', (route) => (down && route.request().method() === 'POST' ? route.abort() : route.continue()));
  await page.open('/agents/new');
  const next = page.getByRole('button', { name: 'Continue' });
  await page.getByLabel('Name', { exact: true }).fill('After the outage');
  await page.getByLabel('Probe (tests only)').check();
  await next.click();
  await page.getByRole('radio', { name: 'Decide later' }).check();
  for (let i = 0; i < 4; i += 1) await next.click();
  down = true;
  await page.getByRole('button', { name: 'Deploy agent' }).click();
  await page.getByRole('alert').filter({ hasText: 'The server did not answer' }).waitFor();
  down = false;
  await page.getByRole('button', { name: 'Deploy agent' }).click();
  await page.getByText('It is live').waitFor({ timeout: 90_000 });
  await page.done();
});

test('what the server refuses is shown beside its field, on its step', async () => {
  const page = await site.window({ customer });
  await page.open('/agents/new');
  const next = page.getByRole('button', { name: 'Continue' });
  await page.getByLabel('Name', { exact: true }).fill(HOSTILE);
  await page.getByLabel('Probe (tests only)').check();
  await next.click();
  await page.getByRole('radio', { name: 'Decide later' }).check();
  for (let i = 0; i < 4; i += 1) await next.click();
  await page.getByRole('button', { name: 'Deploy agent' }).click();
  await page.getByRole('heading', { name: 'Name and kind' }).waitFor();
  const field = page.getByLabel('Name', { exact: true });
  assert.equal(await field.getAttribute('aria-invalid'), 'true', 'the name is taken');
  assert.equal(await field.inputValue(), HOSTILE);
  await page.done();
});

test('a failing server: the page says so, and trying again works', async () => {
  const page = await site.window({ customer });
  let failures = 0;
  await page.route('**/api/runtimes', (route) => {
    failures += 1;
    return failures <= 1 ? route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"status":500,"code":"internal","detail":"Something broke.","requestId":"r-1"}' }) : route.continue();
  });
  await page.open('/agents/new');
  const alert = page.getByRole('alert');
  await alert.filter({ hasText: 'Something broke.' }).waitFor();
  await alert.filter({ hasText: 'r-1' }).waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'Name and kind' }).waitFor();
  await page.done();
});

test('a slow server: something shows, and says that it loads', async () => {
  const page = await site.window({ customer });
  let release;
  const held = new Promise((done) => { release = done; });
  await page.route('**/api/runtimes', async (route) => { await held; await route.continue(); });
  await page.open('/agents/new');
  await page.getByRole('status', { name: 'Loading the choices' }).waitFor();
  await page.locator('.skeleton').first().waitFor();
  release();
  await page.getByRole('heading', { name: 'Name and kind' }).waitFor();
  await page.done();
});

test('a deployment that fails says why, with the last output, and hostile text stays text', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await site.window({ customer, colorScheme });
    await page.open(`/agents/${failing}/deploying`);
    await page.getByText('It could not be deployed').waitFor();
    await page.getByText(/exited with code 78/).first().waitFor();
    await page.getByText('<script>alert(2)</script>').first().waitFor();
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), HOSTILE);
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('img');
    await page.getByRole('option', { name: /onerror.*Agent, error/ }).waitFor();
    assert.deepEqual(page.faults, []);
    await page.done();
  }
});

test('a session that was ended elsewhere leads to the sign-in, and back to the page after it', async () => {
  const other = await site.customer();
  const page = await site.window({ customer: other });
  await page.open('/security');
  await page.getByText('this one').waitFor();
  site.platform.sql(`DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE email = '${other.email}')`);
  await page.getByRole('button', { name: 'New codes…' }).click();
  await page.getByRole('button', { name: 'Make new codes' }).click();
  await until('the sign-in', () => page.url().includes('/app/login'));
  site.forgetAttempts();
  await page.getByLabel('E-mail').fill(other.email);
  await page.getByLabel('Password', { exact: true }).fill(other.password);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Digit 1').click();
  await page.keyboard.type(await freshCode(other));
  await page.getByRole('heading', { name: 'Security' }).waitFor();
  await page.done();
});

test('ending other sessions ends them, not this one', async () => {
  const page = await site.window({ customer });
  await page.open('/security');
  await page.getByText('this one').waitFor();
  site.addSession(customer, 'Mozilla/5.0 (iPhone) <b>Safari/1');
  await page.reload();
  await page.getByText('Safari on iOS').first().waitFor();
  await page.getByRole('button', { name: 'End all others' }).click();
  await page.getByText('All other sessions have ended.').waitFor();
  await until('it is gone', async () => (await page.getByText('Safari on iOS').count()) === 0);
  await sleep(100);
  assert.equal(await page.getByText('this one').count(), 1);
  await page.done();
});
