// The security page before the real server: password, authenticator app, recovery codes and sessions, each
// to its effect on what signs in afterwards.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';

import { Customer } from '../e2e/harness.mjs';
import { end, findings, PASSWORD, saved, sideways, Site, totp, until } from './browser.mjs';

const site = new Site();
let customer;

before(async () => {
  await site.start();
  customer = await site.customer();
});
after(async () => assert.equal(await site.stop(), 0));
beforeEach(() => {
  site.forgetAttempts();
  site.confirmed();
});

const opened = async (options) => {
  const page = await site.window({ customer, ...options });
  await page.open('/security');
  await page.getByText('this one').waitFor();
  return page;
};
const card = (page, title) => page.locator('.card').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
const dialog = (page, name) => page.getByRole('dialog', { name });
const alive = async (one) => (await one.call('GET', '/api/auth/session')).status === 200;

// Signs in by another way, as a device of its own.
async function device(code, { password = customer.password, agent = 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' } = {}) {
  const other = new Customer(site.platform, customer.email);
  const login = await other.call('POST', '/api/auth/login', { email: customer.email, password }, { 'user-agent': agent });
  if (login.status !== 200) return { status: login.status };
  other.csrf = (await other.call('GET', '/api/auth/session')).body.csrfToken;
  const verify = await other.call('POST', '/api/auth/2fa/verify', { code }, { 'user-agent': agent });
  if (verify.status === 200) other.csrf = (await other.call('GET', '/api/auth/session')).body.csrfToken;
  return Object.assign(other, { status: verify.status });
}
// A code that was not used yet. That of the next half minute counts already, so that nobody waits for it.
async function freshCode(app) {
  const now = () => Math.floor(Date.now() / 30_000);
  app.lastStep = Math.max(app.lastStep + 1, now());
  await until('the next code', () => app.lastStep <= now() + 1, 61);
  return totp(app.secret, app.lastStep);
}
async function typeCode(page, code) {
  await page.getByRole('dialog').getByLabel('Digit 1').click();
  await page.keyboard.type(code);
}

let codes;
test('new recovery codes: asked about first, saved, and each signs in once while the old ones no longer do', async () => {
  const make = async (page) => {
    await card(page, 'Two-factor authentication').getByRole('button', { name: 'New codes…' }).click();
    await dialog(page, 'Make new recovery codes?').getByText('stop working at once').waitFor();
    await dialog(page, 'Make new recovery codes?').getByRole('button', { name: 'Make new codes' }).click();
    const shown = dialog(page, 'Your new recovery codes');
    await shown.getByRole('listitem').first().waitFor();
    return shown;
  };
  const page = await opened({ width: 390, height: 500 });
  let shown = await make(page);
  const old = await shown.getByRole('listitem').allInnerTexts();
  assert.equal(await shown.evaluate((element) => element.scrollTop), 0, 'the codes are seen first');
  assert.deepEqual(await findings(page), []);
  assert.equal(await sideways(page), 0);
  assert.ok(await shown.getByRole('button', { name: 'Done' }).isDisabled(), 'not before they are saved');
  await shown.getByLabel('I have saved them').check();
  await shown.getByRole('button', { name: 'Done' }).click();
  await shown.waitFor({ state: 'detached' });

  shown = await make(page);
  codes = await shown.getByRole('listitem').allInnerTexts();
  const file = await saved(page, () => shown.getByRole('button', { name: 'Download' }).click());
  for (const code of codes) assert.ok(file.text.includes(code));
  assert.ok(file.text.includes(customer.email));
  await shown.getByLabel('I have saved them').check();
  await shown.getByRole('button', { name: 'Done' }).click();
  await end(page);
  assert.equal((await device(old[0])).status, 401);
  assert.equal((await device(codes[0])).status, 200);
  assert.equal((await device(codes[0])).status, 401, 'once');
});

test('sessions: each with its device; one is ended, then all others, and this one goes on', async () => {
  const phone = await device(codes[1], { agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1' });
  const desk = await device(codes[2]);
  assert.deepEqual([phone.status, desk.status], [200, 200]);
  const page = await opened();
  const sessions = card(page, 'Sessions').getByRole('listitem');
  await sessions.filter({ hasText: 'Safari on iOS' }).getByText(/127\.0\.0\.1|::1/).waitFor();
  assert.equal(await sessions.filter({ hasText: 'this one' }).count(), 1);
  assert.equal(await sessions.filter({ hasText: 'this one' }).getByRole('button').count(), 0, 'it ends by signing out');
  await card(page, 'Sessions').getByRole('button', { name: 'End the session of Safari on iOS' }).click();
  await page.getByText('Session ended.').waitFor();
  await sessions.filter({ hasText: 'Safari on iOS' }).waitFor({ state: 'detached' });
  assert.deepEqual([await alive(phone), await alive(desk)], [false, true]);
  await card(page, 'Sessions').getByRole('button', { name: 'End all others' }).click();
  await page.getByText('All other sessions have ended.').waitFor();
  await until('only this one', async () => (await sessions.count()) === 1);
  assert.equal(await alive(desk), false);
  assert.equal(await card(page, 'Sessions').getByRole('button', { name: 'End all others' }).count(), 0);
  await page.reload();
  await page.getByText('this one').waitFor();
  await end(page);
});

test('the password: a wrong one and a bad new one are said where they are; the change ends other sessions', async () => {
  const other = await device(codes[3]);
  const page = await opened();
  const form = card(page, 'Password');
  const change = form.getByRole('button', { name: 'Change password' });
  await form.getByLabel('Current password').fill('not the password at all');
  await form.getByLabel('New password').fill('short');
  assert.ok(await change.isDisabled());
  const next = `a new one ${randomBytes(6).toString('hex')}`;
  await form.getByLabel('New password').fill(next);
  await change.click();
  await form.getByRole('alert').first().waitFor();
  assert.equal(await alive(other), true, 'nothing has changed');
  await form.getByLabel('Current password').fill(PASSWORD);
  await change.click();
  await page.getByText('Password changed. Your other sessions have ended.').waitFor();
  customer.password = next;
  assert.equal(await form.getByLabel('New password').inputValue(), '', 'it does not stay in the page');
  assert.equal(await alive(other), false);
  await until('the list knows', async () => (await card(page, 'Sessions').getByRole('listitem').count()) === 1);
  assert.deepEqual([(await device(codes[4], { password: PASSWORD })).status, (await device(codes[4], { password: next })).status], [401, 200]);
  await end(page);
});

test('the authenticator app is replaced after a code of the new one, with a fresh factor only; then only the new one counts', async () => {
  const page = await opened();
  site.confirmed('1 hour');
  const ask = card(page, 'Two-factor authentication').getByRole('button', { name: 'Replace…' });
  const replace = dialog(page, 'Replace the authenticator app');
  await ask.click();
  await dialog(page, 'Confirm it is you').waitFor();
  await page.keyboard.press('Escape');
  await dialog(page, 'Confirm it is you').waitFor({ state: 'detached' });
  assert.equal(await replace.getByTestId('totp-secret').count(), 0, 'no new secret for a stale factor');
  await page.keyboard.press('Escape');
  await replace.waitFor({ state: 'detached' });
  site.confirmed();
  await ask.click();
  await replace.getByText('Cannot scan it?').click();
  const secret = (await replace.getByTestId('totp-secret').innerText()).replaceAll(' ', '');
  assert.notEqual(secret, customer.secret);
  assert.deepEqual(await findings(page), []);
  const old = { ...customer };
  Object.assign(customer, { secret, lastStep: 0 });
  await typeCode(page, '000000');
  await replace.getByRole('alert').waitFor();
  await typeCode(page, await freshCode(customer));
  await page.getByText('The new app is in place. The old one no longer works.').waitFor();
  await replace.waitFor({ state: 'detached' });
  await end(page);
  assert.equal((await device(await freshCode(old))).status, 401);
  assert.equal((await device(await freshCode(customer))).status, 200);
});
