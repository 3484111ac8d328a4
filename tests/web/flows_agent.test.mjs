// What a customer does with one agent, in every way (ways.mjs), before the real server and real containers.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { saved, Site, until } from './browser.mjs';
import { button, everyWay } from './ways.mjs';

const KEY = 'sk-test-abcdefghijklmnopqrstuvwxyz0123';
const site = new Site();
let customer;
let agent;

const read = () => customer.agent(agent);
const change = (body) => customer.must(202, 'PATCH', `/api/agents/${agent}`, body);

before(async () => {
  await site.start();
  customer = await site.customer();
  agent = await customer.deploy('Inbox assistant', { note: 'hello', print: 'plain', printCount: 3 }, { permissions: { scopes: ['email:read'], maxDailyTokenSpend: 5 } });
  await customer.verdict(agent);
});
after(async () => assert.equal(await site.stop(), 0));

const dialog = (page) => page.getByRole('dialog');
const open = (walk, tab = '') => walk.open(`/agents/${agent}${tab && `/${tab}`}`);
const PATCH = 'PATCH /api/agents/';
const running = () => until('it runs', async () => (await read()).status === 'running', 90);

everyWay([
  {
    name: 'giving it another name',
    given: async () => { site.confirmed(); await change({ name: 'Inbox assistant' }); },
    walk: async (walk) => {
      await open(walk, 'settings');
      const form = walk.page.getByRole('form', { name: 'Name' });
      await walk.type(form.getByLabel('Name'), 'Inbox helper');
      await walk.order(button(form, 'Save'), PATCH);
      await walk.sees(walk.page.getByRole('heading', { name: 'Inbox helper', level: 1 }));
    },
    holds: async () => assert.equal((await read()).name, 'Inbox helper'),
  },
  {
    name: 'changing its settings in the form',
    given: async () => { site.confirmed(); await change({ config: { note: 'hello', print: 'plain', printCount: 3 } }); },
    walk: async (walk) => {
      await open(walk, 'settings');
      const form = walk.page.getByRole('form', { name: 'Configuration' });
      await walk.type(form.getByLabel('Print count', { exact: true }), '4');
      await walk.order(button(form, 'Save and redeploy'), PATCH);
      await walk.sees(walk.page.getByText('Saved. The agent is deployed with it.'));
    },
    holds: async () => assert.equal((await read()).config.printCount, 4),
  },
  {
    name: 'giving it a permission, after a look at what changes',
    given: async () => { site.confirmed(); await change({ permissions: { scopes: ['email:read'] } }); },
    walk: async (walk) => {
      const { page } = walk;
      await open(walk, 'permissions');
      await walk.press(page.getByRole('checkbox', { name: 'Read calendars', exact: true }));
      await walk.press(button(page, 'Review and save'));
      await walk.sees(dialog(page).getByText('It may read your calendars.'));
      await walk.sees(dialog(page).getByText(/No difference|nothing to compare/));
      await walk.order(button(dialog(page), 'Save'), PATCH);
      await walk.sees(page.getByText('Saved. It holds within a second.'));
    },
    holds: async () => assert.deepEqual((await read()).permissions.scopes, ['email:read', 'calendar:read']),
  },
  {
    name: 'storing a credential, replacing and deleting it',
    given: async () => {
      site.confirmed();
      await customer.call('DELETE', `/api/agents/${agent}/credentials/mailbox`);
    },
    walk: async (walk) => {
      const { page } = walk;
      await open(walk, 'credentials');
      await walk.press(button(page, 'Add a credential'));
      await walk.select(dialog(page).getByLabel('Kind'), 'OpenAI');
      await walk.type(dialog(page).getByLabel('Name', { exact: true }), 'mailbox');
      await walk.type(dialog(page).getByLabel('Value'), KEY);
      await walk.order(button(dialog(page), 'Store'), 'POST /api/agents/');
      await walk.sees(page.getByText('mailbox is stored.'));
      await walk.press(button(page, 'Replace mailbox'));
      await walk.type(dialog(page).getByLabel('Value'), `${KEY}4`);
      await walk.order(button(dialog(page), 'Replace'), 'PUT /api/agents/');
      await walk.sees(page.getByText('mailbox is replaced.'));
      await walk.press(button(page, 'Delete mailbox'));
      await walk.type(dialog(page).getByRole('textbox'), 'mailbox');
      await walk.order(button(dialog(page), 'Delete'), 'DELETE /api/agents/');
      await walk.sees(page.getByText('No credentials yet'));
      assert.ok(!(await page.content()).includes(KEY));
    },
  },
  {
    name: 'looking at its metrics, as charts and as tables',
    // Measured every 15 seconds while it runs: before it is restarted.
    walk: async (walk) => {
      const { page } = walk;
      await open(walk, 'metrics');
      await walk.sees(page.getByRole('heading', { name: 'Memory' }));
      await walk.press(page.getByRole('group', { name: 'Range' }).getByRole('button').nth(2));
      await walk.press(page.getByRole('switch', { name: 'As tables' }));
      await walk.sees(page.getByRole('table', { name: 'Memory' }));
      assert.match(page.url(), /range=24h&view=tables/);
    },
  },
  {
    name: 'restarting it',
    given: async () => { site.confirmed(); await running(); },
    walk: async (walk) => {
      await open(walk);
      await walk.press(button(walk.page, 'Restart'));
      await walk.order(button(dialog(walk.page), 'Restart'), 'POST /api/agents/');
      await dialog(walk.page).waitFor({ state: 'detached' });
      await walk.sees(walk.page.getByText(/Deployment live|Restarted/));
    },
    holds: running,
  },
  {
    name: 'stopping it and starting it again',
    given: async () => { site.confirmed(); await running(); },
    walk: async (walk) => {
      await open(walk);
      await walk.press(button(walk.page, 'Stop'));
      await walk.order(button(dialog(walk.page), 'Stop'), 'POST /api/agents/');
      await dialog(walk.page).waitFor({ state: 'detached' });
      await walk.order(button(walk.page, 'Start'), 'POST /api/agents/');
      await walk.sees(button(walk.page, 'Stop'));
    },
    holds: running,
  },
  {
    name: 'going back to an earlier version',
    given: async () => { site.confirmed(); await running(); return (await read()).config; },
    walk: async (walk) => {
      const { page } = walk;
      await open(walk, 'deployments');
      // The one before what it has now: restarts deploy what was there again.
      const earlier = page.getByRole('list', { name: 'Deployments', exact: true }).locator('> li').filter({ hasText: /^(?!.*(Restart|Start by))/ }).nth(1);
      await walk.press(earlier.locator('summary'));
      await walk.press(earlier.getByRole('button', { name: 'Roll back to this version…' }));
      await walk.sees(dialog(page).getByRole('list', { name: 'Configuration' }));
      await walk.order(button(dialog(page), 'Roll back'), 'POST /api/agents/');
      await walk.sees(page.getByText('Rolled back. It is being deployed.'));
    },
    holds: async (before) => { assert.notDeepEqual((await read()).config, before); await customer.verdict(agent); },
  },
  {
    name: 'reading and searching its output, and letting it be saved',
    given: running,
    walk: async (walk) => {
      const { page } = walk;
      await open(walk, 'output');
      await walk.sees(page.getByText('probe: listening'));
      await walk.type(page.getByLabel('Search the output'), 'listening');
      await walk.sees(page.locator('mark').filter({ hasText: 'listening' }));
      await walk.select(page.getByLabel('Time'), 'Last hour');
      await walk.sees(page.getByText('probe: listening'));
      const file = await saved(page, () => walk.press(button(page, 'Download')));
      assert.match(file.name, /\.log$/);
    },
  },
  {
    name: 'looking at what it did, and at all parts of its page',
    walk: async (walk) => {
      const { page } = walk;
      await open(walk);
      await walk.sees(page.getByText('At a glance'));
      for (const [name, sign] of [['Activity', page.getByRole('list', { name: /Audit records/ })], ['Deployments', page.getByText('First deployment').or(page.getByText('Change of'))], ['Settings', page.getByText('Delete this agent')]]) {
        await walk.press(page.getByRole('link', { name, exact: true }));
        await walk.sees(sign);
      }
    },
  },
  {
    name: 'deleting an agent by typing its name',
    given: () => { site.confirmed(); return customer.deploy('Short lived'); },
    walk: async (walk, target) => {
      const { page } = walk;
      await walk.open(`/agents/${target}/settings`);
      await walk.press(button(page, 'Delete…'));
      await walk.type(dialog(page).getByRole('textbox'), 'Short lived');
      await walk.order(button(dialog(page), 'Delete'), 'DELETE /api/agents/');
      await walk.sees(page.getByRole('heading', { name: 'Agents', level: 1 }));
    },
    holds: (target) => until('it is gone', async () => (await customer.call('GET', `/api/agents/${target}`)).status === 404),
  },
], (options) => site.window({ customer, ...options }));
