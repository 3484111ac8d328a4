// What a customer does beside their agents, in every way (ways.mjs), before the real server: finding and
// ordering agents, the audit log, how they sign in, the palette.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { saved, Site, until } from './browser.mjs';
import { button, everyWay } from './ways.mjs';

const site = new Site();
let customer;
let agents;

const running = () => until('both run', async () => (await Promise.all(agents.map((id) => customer.agent(id)))).every(({ status }) => status === 'running'), 90);

before(async () => {
  await site.start();
  customer = await site.customer();
  agents = [await customer.deploy('Night watch'), await customer.deploy('Invoice clerk')];
  await running();
});
after(async () => assert.equal(await site.stop(), 0));

const dialog = (page, name) => page.getByRole('dialog', { name });const visibleSearch = (page) => page.getByRole('button', { name: 'Search', exact: true }).or(page.locator('.search-button')).filter({ visible: true }).first();
// Through a menu: with arrow keys, or by pressing.
async function choose(walk, menu, item, down) {
  await walk.press(menu);
  if (walk.way !== 'keyboard') return walk.press(item);
  for (let presses = 0; presses < down; presses += 1) await walk.page.keyboard.press('ArrowDown');
  return walk.page.keyboard.press('Enter');
}

everyWay([
  {
    name: 'finding and sorting agents',
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/agents');
      await walk.sees(page.getByRole('link', { name: 'Night watch' }));
      if (walk.way === 'finger') await walk.select(page.getByLabel('Sort'), 'Most restarts');
      else await walk.press(page.getByRole('columnheader', { name: 'Restarts' }).getByRole('button'));
      await until('the address has the order', () => page.url().includes('sort='));
      await walk.type(page.getByLabel('Search agents'), 'clerk');
      await walk.sees(page.getByText('1 of 2 shown'));
      await walk.press(page.getByRole('link', { name: 'Invoice clerk' }));
      await walk.sees(page.getByRole('heading', { name: 'Invoice clerk', level: 1 }));
    },
  },
  {
    name: 'restarting all agents at once',
    given: async () => { site.confirmed(); await running(); },
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/agents');
      if (walk.way === 'finger') for (const name of ['Night watch', 'Invoice clerk']) await walk.press(page.getByLabel(`Select ${name}`));
      else await walk.press(page.getByLabel('Select all'));
      await walk.press(page.getByRole('toolbar').getByRole('button', { name: /^Restart/ }));
      if (walk.way !== 'failing') await walk.order(button(page.getByRole('dialog'), 'Restart'), `POST /api/agents/${agents[1]}`);
      else await walk.press(page.getByRole('dialog').getByRole('button', { name: /^Restart/ }));
      // Those for which it did not work are told of, and stay selected: pressing again is for them.
      if (walk.way === 'failing') {
        await walk.sees(page.getByRole('dialog').getByText('The server had trouble, on purpose.'));
        await page.keyboard.press('Escape');
        await walk.press(page.getByRole('toolbar').getByRole('button', { name: /^Restart/ }));
        await walk.press(page.getByRole('dialog').getByRole('button', { name: /^Restart/ }));
      }
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
    holds: running,
  },
  {
    name: 'narrowing the audit log, opening a record and exporting',
    given: () => site.confirmed(),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/audit');
      await walk.sees(page.getByRole('list', { name: /Audit records/ }));
      await walk.press(page.getByRole('button', { name: /^Filters/ }));
      await walk.select(page.getByLabel('Done by'), 'Person');
      await until('the address has the filter', () => page.url().includes('actor=user'));
      await walk.press(page.locator('.entry-line').first());
      await walk.sees(page.getByText('The record'));
      const { name } = await saved(page, async () => {
        const menu = button(page, 'Export');
        const csv = page.getByRole('menuitem', { name: /CSV/ });
        await choose(walk, menu, csv, 1);
        if (walk.way !== 'failing') return;
        await walk.sees(page.locator('.toast-bad'));
        await choose(walk, menu, csv, 1);
      });
      assert.equal(name, 'audit.csv');
    },
  },
  {
    name: 'verifying the audit log',
    given: () => site.confirmed(),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/audit');
      await walk.press(button(page, 'Verify'));
      const verify = button(dialog(page, 'Verify the audit log'), 'Verify');
      await walk.press(verify);
      if (walk.way === 'failing') {
        await walk.sees(page.getByRole('alert').filter({ hasText: 'The log could not be read' }));
        await walk.press(verify);
      }
      await walk.sees(page.getByText('The log is whole'));
    },
  },
  {
    name: 'making new recovery codes',
    given: () => site.confirmed(),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/security');
      await walk.press(button(page, 'New codes…'));
      await walk.order(button(dialog(page, 'Make new recovery codes?'), 'Make new codes'), 'POST /api/auth/recovery-codes');
      const shown = dialog(page, 'Your new recovery codes');
      await walk.sees(shown.getByRole('list', { name: 'Recovery codes' }));
      assert.match((await saved(page, () => walk.press(button(shown, 'Download')))).name, /recovery-codes\.txt$/);
      await walk.press(shown.getByLabel('I have saved them'));
      await walk.press(button(shown, 'Done'));
      await shown.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'ending another session',
    given: () => {
      site.confirmed();
      site.addSession(customer, 'Mozilla/5.0 (iPhone) Safari/1');
    },
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/security');
      await walk.order(button(page, 'End the session of Safari on iOS'), 'DELETE /api/auth/sessions/');
      await walk.sees(page.getByText('Session ended.'));
      await until('it is gone', async () => (await page.getByText('Safari on iOS').count()) === 0);
      await walk.keepsFocus();
    },
  },
  {
    name: 'going somewhere by its name',
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/agents');
      await walk.sees(page.getByRole('heading', { name: 'Agents', level: 1 }));
      const field = page.getByRole('combobox', { name: /Search pages/ });
      if (walk.way === 'keyboard') {
        await page.keyboard.press('Control+k');
        await page.keyboard.type('security');
        await page.keyboard.press('Enter');
      } else {
        await walk.press(visibleSearch(page));
        await walk.type(field, 'security');
        await walk.press(page.getByRole('option', { name: /Security/ }));
      }
      await walk.sees(page.getByRole('heading', { name: 'Security', level: 1 }));
      if (walk.way === 'keyboard') assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'the new page has the focus');
    },
  },
], (options) => site.window({ customer, ...options }));
