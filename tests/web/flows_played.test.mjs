// Approvals, and what not every server has (billing, team, API keys, the operator's part), in every way
// (ways.mjs), before a played API.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { AGENT, tellAgent } from './agent_data.mjs';
import { tellApprovals } from './approval_data.mjs';
import { SECRET, tellBilling, tellInvitation, tellKeys, tellOperator, tellTeam } from './coming_data.mjs';
import { Played } from './played.mjs';
import { button, everyWay } from './ways.mjs';

const played = new Played();
let session;

before(async () => {
  await played.start();
  session = structuredClone(played.session);
});
after(() => played.stop());

const dialog = (page) => page.getByRole('dialog');
const cell = (page, text) => page.getByRole('cell').filter({ hasText: text });
const told = (tell) => () => {
  played.session = structuredClone(session);
  played.reset();
  return tell(played);
};
const client = '/operator/clients/00000000-0000-4000-8004-000000000001';

everyWay([
  {
    name: 'allowing a request of an agent once',
    given: told(tellApprovals),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/approvals');
      await walk.sees(page.getByText('Invoice 4711'));
      await walk.order(button(page, 'Allow once'), 'POST /api/agents/');
      await walk.sees(page.getByText('Allowed, not sent yet'));
      await walk.keepsFocus();
    },
    holds: ({ waiting }) => assert.equal(waiting[0].state, 'granted'),
  },
  {
    name: 'refusing a request of an agent, and looking at it in the history',
    given: told(tellApprovals),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/approvals');
      await walk.sees(page.getByText('Invoice 4711'));
      await walk.order(button(page, 'Refuse'), 'POST /api/agents/');
      await walk.sees(page.getByText('Refused. Nothing is sent.'));
      await walk.press(page.getByRole('link', { name: 'History' }));
      await walk.press(page.getByRole('list', { name: 'History' }).locator('summary').first());
      await walk.sees(page.getByRole('list', { name: 'History' }).getByText('billing@harbor.example').last());
    },
    holds: ({ waiting }) => assert.equal(waiting[0].state, 'denied'),
  },
  {
    name: 'updating an agent to a newer version',
    given: told(tellAgent),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open(`/agents/${AGENT}/settings`);
      await walk.press(button(page, 'Update to version 2…'));
      await walk.order(button(dialog(page), 'Update'), 'PATCH /api/agents/');
      await walk.sees(page.getByText('This is the newest version.'));
      await walk.keepsFocus();
    },
  },
  {
    name: 'choosing another plan',
    given: told(tellBilling),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/billing');
      await walk.sees(cell(page, 'DC-2026-0042'));
      await walk.press(button(page, 'Choose Starter'));
      await walk.order(button(dialog(page), 'Go to payment'), 'POST /api/billing/checkout');
      await walk.sees(page.getByText('Thank you'));
    },
  },
  {
    name: 'inviting somebody and withdrawing it',
    given: told(tellTeam),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/team');
      await walk.press(button(page, 'Invite somebody'));
      await walk.type(dialog(page).getByLabel('E-mail', { exact: true }), 'new@example.com');
      await walk.press(dialog(page).getByRole('radio', { name: 'Viewer' }));
      await walk.order(button(dialog(page), 'Invite'), 'POST /api/invitations');
      await walk.sees(dialog(page).getByText('/app/invitation#invite-token-for-one'));
      await walk.press(button(dialog(page), 'Done'));
      await walk.order(button(page, 'Withdraw the invitation of new@example.com'), 'DELETE /api/invitations/');
      await button(page, 'Withdraw the invitation of new@example.com').waitFor({ state: 'detached' });
      await walk.keepsFocus();
    },
  },
  {
    name: 'changing a role and removing a member',
    given: told(tellTeam),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/team');
      await walk.press(button(page, 'Change role of li.wei@example.com'));
      await walk.press(dialog(page).getByRole('radio', { name: 'Viewer' }));
      await walk.order(button(dialog(page), 'Change role'), 'PATCH /api/users/');
      await dialog(page).waitFor({ state: 'hidden' });
      await walk.press(button(page, 'Remove tom.okafor@example.com'));
      await walk.type(dialog(page).getByRole('textbox'), 'tom.okafor@example.com');
      await walk.order(button(dialog(page), 'Remove'), 'DELETE /api/users/');
      await button(page, 'Remove tom.okafor@example.com').waitFor({ state: 'detached' });
      await walk.keepsFocus();
    },
    holds: ({ members }) => assert.deepEqual([members.find(({ email }) => email === 'li.wei@example.com').role, members.length], ['viewer', 4]),
  },
  {
    name: 'joining by an invitation',
    given: () => {
      told(tellInvitation)();
      played.session = null;
    },
    walk: async (walk) => {
      const { page } = walk;
      // The token is behind the #: the same address anew would not load the page.
      await page.goto('about:blank');
      await walk.open('/invitation#invite-token-for-one');
      await walk.sees(page.getByRole('heading', { name: 'Join Example GmbH' }));
      await walk.type(page.getByLabel('Choose a password'), 'a sentence that works well');
      await walk.order(button(page, 'Join'), 'POST /api/auth/invitation/accept');
      await walk.sees(page.getByRole('heading', { name: 'Turn on two-factor' }));
    },
  },
  {
    name: 'making an API key and revoking it',
    given: told(tellKeys),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/keys');
      await walk.press(button(page, 'Create a key'));
      await walk.type(dialog(page).getByLabel('Name', { exact: true }), 'Second report');
      await walk.press(dialog(page).getByRole('checkbox').nth(1));
      await walk.select(dialog(page).getByLabel('Ends after'), '30 days');
      await walk.order(button(dialog(page), 'Create the key'), 'POST /api/keys');
      await walk.sees(dialog(page).getByText(SECRET));
      await walk.press(dialog(page).getByRole('checkbox', { name: 'I have stored it' }));
      await walk.press(button(dialog(page), 'Done'));
      await walk.press(button(page, 'Revoke Second report'));
      await walk.type(dialog(page).getByRole('textbox'), 'Second report');
      await walk.order(button(dialog(page), 'Revoke'), 'DELETE /api/keys/');
      await button(page, 'Revoke Second report').waitFor({ state: 'detached' });
      await walk.keepsFocus();
    },
    holds: ({ keys }) => assert.equal(keys.length, 3),
  },
  {
    name: 'limits of a client’s own, by the operator',
    given: told(tellOperator),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/operator');
      await walk.press(page.getByRole('link', { name: 'Example GmbH' }));
      const form = page.getByRole('form', { name: 'Plan and limits' });
      await walk.type(form.getByLabel('Agents'), '12');
      await walk.order(button(form, 'Save'), 'PATCH /api/admin/clients/');
      await walk.sees(page.getByText('The limits of Example GmbH are saved.'));
      await walk.keepsFocus();
    },
    holds: ({ clients }) => assert.deepEqual(clients[0].overrides, { agents: 12 }),
  },
  {
    name: 'suspending a client and restoring it',
    given: told(tellOperator),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open(client);
      await walk.press(button(page, 'Suspend…'));
      await walk.type(dialog(page).getByLabel('Reason'), 'Abuse report 7');
      await walk.type(dialog(page).getByLabel(/to confirm/), 'Example GmbH');
      await walk.order(button(dialog(page), 'Suspend'), 'POST /api/admin/clients/');
      await walk.press(button(page, 'Restore…'));
      await walk.order(button(dialog(page), 'Restore'), 'POST /api/admin/clients/');
      await walk.sees(button(page, 'Suspend…'));
    },
    holds: ({ clients }) => assert.equal(clients[0].status, 'active'),
  },
  {
    name: 'looking at agents of all clients, hosts and who waits',
    given: told(tellOperator),
    walk: async (walk) => {
      const { page } = walk;
      await walk.open('/operator');
      for (const [name, sign] of [['Agents', 'Night watch'], ['Hosts', 'box-2'], ['Waitlist', 'maria@harbor.example']]) {
        await walk.press(page.getByRole('navigation', { name: /parts/i }).getByRole('link', { name, exact: true }));
        await walk.sees(cell(page, sign));
      }
    },
  },
], (options) => played.window(options));
