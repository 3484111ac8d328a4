// Coming in and going out, in every way (ways.mjs), before the real server: from nothing to a live agent,
// signing in with a code and with a recovery code, signing out, another password, a code asked for later.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { enter, PASSWORD, Site, someEmail, totp } from './browser.mjs';
import { button, everyWay } from './ways.mjs';

const KEY = 'sk-test-abcdefghijklmnopqrstuvwxyz0123';
const site = new Site();

before(() => site.start());
after(async () => assert.equal(await site.stop(), 0));

const heading = (page, name) => page.getByRole('heading', { name });
const radio = (page, name) => page.getByRole('radio', { name, exact: true });
// The server takes the code of the next half minute, too: nobody waits for it.
const nextCode = (customer) => totp(customer.secret, ++customer.lastStep);

// Somebody who is signed in elsewhere and not here.
async function somebody() {
  const customer = await site.customer();
  site.forgetAttempts();
  return customer;
}

async function givePassword(walk, customer, password) {
  await walk.page.context().clearCookies();
  await walk.open('/login');
  await walk.type(walk.page.getByLabel('E-mail'), customer.email);
  await walk.type(walk.page.getByLabel('Password', { exact: true }), password);
  await walk.order(button(walk.page, 'Continue'), 'POST /api/auth/login');
}

everyWay([
  {
    name: 'a stranger registers, turns on two-factor and deploys an agent',
    given: () => site.forgetAttempts(),
    walk: async (walk) => {
      const { page } = walk;
      const goOn = () => walk.press(button(page, 'Continue'));
      await page.context().clearCookies();
      await walk.open('/register');
      await walk.type(page.getByLabel('Work e-mail'), someEmail());
      await walk.type(page.getByLabel('Company or team'), 'Example & Sons');
      await walk.type(page.getByLabel('Password', { exact: true }), PASSWORD);
      await walk.order(button(page, 'Create account'), 'POST /api/auth/register');
      await walk.press(page.getByText('Cannot scan it?'));
      const secret = (await (await walk.sees(page.getByTestId('totp-secret'))).innerText()).replaceAll(' ', '');
      const code = totp(secret, Math.floor(Date.now() / 30_000));
      await walk.order(button(page, 'Turn on'), 'POST /api/auth/2fa/verify', { by: () => walk.type(page.getByLabel('Digit 1'), code) });
      await walk.sees(heading(page, 'Save your recovery codes'));
      await walk.press(page.getByLabel('I have saved them'));
      await goOn();

      await walk.type(page.getByLabel('Name', { exact: true }), 'Inbox assistant');
      await walk.press(page.getByLabel('Probe (tests only)'));
      await goOn();
      await walk.type(page.getByLabel('OpenAI API key'), KEY);
      await goOn();
      await walk.press(radio(page, 'Telegram'));
      await walk.type(page.getByLabel('Telegram: bot token'), '7123456789:AArealTelegramToken_abcdefghijklmnop');
      await goOn();
      await walk.press(radio(page, 'E-mail assistant'));
      await goOn();
      await walk.type(page.getByLabel('Dollars a day'), '2.50');
      await goOn();
      await walk.sees(page.getByText('$2.50 a day at most'));
      await walk.order(button(page, 'Deploy agent'), 'POST /api/agents');
      await walk.sees(page.getByText('It is live'));
      assert.ok(!(await page.content()).includes(KEY), 'the key is nowhere in the page once it is sent');
    },
  },
  {
    name: 'signing in with a code',
    given: somebody,
    walk: async (walk, customer) => {
      const { page } = walk;
      await givePassword(walk, customer, 'not the password at all');
      await walk.sees(page.getByRole('alert').filter({ hasText: 'Could not sign in' }));
      await walk.type(page.getByLabel('Password', { exact: true }), PASSWORD);
      await walk.press(button(page, 'Continue'));
      await walk.sees(heading(page, 'Enter your code'));
      await walk.order(button(page, 'Sign in'), 'POST /api/auth/2fa/verify', { by: () => walk.type(page.getByLabel('Digit 1'), nextCode(customer)) });
      await walk.sees(heading(page, 'Agents'));
    },
  },
  {
    name: 'signing in with a recovery code, and out again',
    given: async () => {
      const customer = await somebody();
      const { recoveryCodes } = await customer.must(200, 'POST', '/api/auth/recovery-codes', {});
      return Object.assign(customer, { recoveryCodes });
    },
    walk: async (walk, customer) => {
      const { page } = walk;
      await givePassword(walk, customer, PASSWORD);
      await walk.sees(heading(page, 'Enter your code'));
      await walk.press(button(page, 'I lost my phone: use a recovery code'));
      await walk.type(page.getByLabel('Recovery code'), customer.recoveryCodes[0]);
      await walk.order(button(page, 'Sign in'), 'POST /api/auth/2fa/verify');
      await walk.sees(heading(page, 'Agents'));
      if (walk.way === 'finger') await walk.press(button(page, 'Open navigation'));
      const account = page.getByRole('button', { name: 'Account' });
      await walk.press(account);
      const out = page.getByRole('menuitem', { name: 'Sign out' });
      if (walk.way === 'keyboard') {
        // The arrow keys go through a menu, and End to what stands last.
        await page.keyboard.press('End');
        await page.keyboard.press('Enter');
      } else {
        await walk.order(out, 'POST /api/auth/logout', {
          by: () => walk.press(out), again: async () => { await walk.press(account); await walk.press(out); },
        });
      }
      await walk.sees(heading(page, /Sign in/));
    },
  },
  {
    name: 'changing the password',
    given: somebody,
    walk: async (walk, customer) => {
      const { page } = walk;
      await enter(page, customer);
      await walk.open('/security');
      await walk.type(page.getByLabel('Current password'), PASSWORD);
      await walk.type(page.getByLabel('New password'), 'a sentence that works well');
      await walk.order(button(page, 'Change password'), 'POST /api/auth/password');
      await walk.sees(page.getByText('Password changed.'));
      await walk.sees(page.getByText('this one'));
    },
  },
  {
    name: 'a code that is asked for in the middle of a change',
    given: async () => {
      const customer = await somebody();
      site.confirmed('1 hour');
      return customer;
    },
    walk: async (walk, customer) => {
      const { page } = walk;
      const make = button(page.getByRole('dialog', { name: 'Make new recovery codes?' }), 'Make new codes');
      const ask = page.getByRole('dialog', { name: 'Confirm it is you' });
      await enter(page, customer);
      await walk.open('/security');
      await walk.press(button(page, 'New codes…'));
      // Refused for want of a code first, and sent again by itself once there is one.
      await walk.press(make);
      if (walk.way === 'failing') {
        await walk.sees(page.getByRole('dialog').getByRole('alert'));
        await walk.press(make);
      }
      await walk.order(button(ask, 'Confirm'), 'POST /api/auth/2fa/verify', { by: () => walk.type(ask.getByLabel('Digit 1'), nextCode(customer)) });
      await walk.sees(page.getByRole('dialog', { name: 'Your new recovery codes' }));
    },
  },
], (options) => site.window(options));
