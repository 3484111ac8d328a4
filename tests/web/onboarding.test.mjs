// From nothing to a live agent with the page alone: by mouse and in a narrow window; and signing in again
// afterwards. In every other way: flows_entry.test.mjs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { freshCode, PASSWORD, sideways, Site, someEmail } from './browser.mjs';

const KEY = 'sk-test-abcdefghijklmnopqrstuvwxyz0123';
const site = new Site();

before(() => site.start());
after(async () => assert.equal(await site.stop(), 0));

const heading = (page, name) => page.getByRole('heading', { name });

// Registers with the mouse up to the recovery codes; gives what a customer then has.
async function registerByMouse(page) {
  site.forgetAttempts();
  const email = someEmail();
  await page.open('');
  await page.getByRole('link', { name: 'Create one' }).click();
  await page.getByLabel('Work e-mail').fill(email);
  await page.getByLabel('Company or team').fill('Example & Sons');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  // On a phone there is nothing to scan with; elsewhere no app to open.
  const here = page.getByRole('link', { name: 'Open the app on this phone', includeHidden: true });
  assert.match(await here.getAttribute('href'), /^otpauth:\/\/totp\//);
  assert.equal(await here.isVisible(), page.viewportSize().width < 560);
  await page.getByText('Cannot scan it?').click();
  const secret = (await page.getByTestId('totp-secret').innerText()).replaceAll(' ', '');
  const customer = { email, secret, lastStep: 0 };
  await page.getByLabel('Digit 1').click();
  await page.keyboard.type(await freshCode(customer));
  await heading(page, 'Save your recovery codes').waitFor();
  customer.recoveryCodes = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();
  return customer;
}

async function throughTheWizard(page, name) {
  const next = page.getByRole('button', { name: 'Continue' });
  await heading(page, 'Name and kind').waitFor();
  await next.click();
  await page.getByText('Give it a name.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Probe (tests only)').check();
  await next.click();
  await page.getByLabel('OpenAI API key').fill(KEY);
  await next.click();
  await page.getByRole('radio', { name: 'Telegram', exact: true }).check();
  await page.getByText('open a chat with @BotFather').waitFor();
  await page.getByLabel('Telegram: bot token').fill('7123456789:AArealTelegramToken_abcdefghijklmnop');
  await next.click();
  await page.getByRole('radio', { name: 'E-mail assistant', exact: true }).check();
  await page.getByText(/It may send e-mail in your name, at most 20 e-mails an hour and 100 a day, but each time a person must approve/).waitFor();
  await page.getByText('It cannot reach any other website or API.').waitFor();
  await next.click();
  await page.getByLabel('Dollars a day').fill('2.50');
  await next.click();
  await page.getByText('$2.50 a day at most').waitFor();
  await page.getByText(`Key ending in ${KEY.slice(-4)}`).waitFor();
}

test('a stranger registers, turns on two-factor and deploys an agent, with the mouse', async () => {
  const page = await site.window();
  const customer = await registerByMouse(page);
  assert.equal(customer.recoveryCodes.length, 10);
  const goOn = page.getByRole('button', { name: 'Continue' });
  assert.ok(await goOn.isDisabled(), 'not before the codes are saved');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  assert.match((await download).suggestedFilename(), /recovery-codes\.txt$/);
  await page.getByLabel('I have saved them').check();
  await goOn.click();
  await throughTheWizard(page, 'Inbox assistant');
  await page.getByRole('button', { name: 'Deploy agent' }).click();
  await page.getByText('Fetch its program').waitFor();
  await page.getByText('It is live').waitFor({ timeout: 90_000 });
  await page.getByText('probe: listening').waitFor();

  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML]));
  assert.ok(!stored.includes(KEY), 'the key is nowhere in the page once it is sent');
  const row = site.platform.sql(`SELECT a.permissions, string_agg(c.kind, ',' ORDER BY c.kind) FROM agents a
    JOIN agent_credentials c ON c.agent_id = a.id JOIN users u ON u.client_id = a.client_id
    WHERE u.email = '${customer.email}' GROUP BY 1`);
  assert.match(row, /"maxDailyTokenSpend": 2\.5/);
  assert.match(row, /"approval": \["email:send"\]/);
  assert.match(row, /\|openai,telegram$/);
  assert.deepEqual(page.faults, []);

  // The way back in: a wrong password, a wrong code, then the right ones.
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await heading(page, /Sign in/).waitFor();
  await page.getByLabel('E-mail').fill(customer.email);
  await page.getByLabel('Password', { exact: true }).fill('not the password at all');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('alert').filter({ hasText: 'Could not sign in' }).waitFor();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Continue' }).click();
  await heading(page, 'Enter your code').waitFor();
  await page.getByLabel('Digit 1').click();
  await page.keyboard.type('000000');
  await page.getByRole('alert').waitFor();
  await page.getByText('use a recovery code').click();
  await page.getByLabel('Recovery code').fill(customer.recoveryCodes[0]);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
  await page.done();
});

test('all of it fits a narrow window, and the drawer holds the navigation', async () => {
  const page = await site.window({ width: 390, height: 780, colorScheme: 'dark' });
  const fits = async (what) => assert.equal(await sideways(page), 0, `${what} sticks out`);
  await registerByMouse(page);
  await fits('recovery codes');
  await page.getByLabel('I have saved them').check();
  await page.getByRole('button', { name: 'Continue' }).click();
  await throughTheWizard(page, 'A name as long as a name may be, and yet a little longer, here');
  await fits('review');
  await page.getByRole('button', { name: 'Change: Permissions' }).click();
  await fits('permissions');
  await page.getByRole('button', { name: 'Open navigation' }).click();
  await page.getByRole('link', { name: 'Security' }).click();
  await heading(page, 'Security').waitFor();
  await page.getByText('this one').waitFor();
  await fits('security');
  assert.deepEqual(page.faults, []);
  await page.done();
});
