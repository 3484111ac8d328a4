// Billing, team, API keys and an invitation, with a played API: pages that a server may lack.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { comingPages, SECRET, tellAll, tellBilling, tellInvitation, tellKeys, tellTeam } from './coming_data.mjs';
import { findings, Played, sideways } from './played.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}<b>';
const played = new Played();
let session;

before(async () => {
  await played.start();
  session = structuredClone(played.session);
});
beforeEach(() => {
  played.session = structuredClone(session);
  played.reset();
});
after(() => played.stop());

const nav = (page) => page.getByRole('navigation').first();
const cell = (page, text) => page.getByRole('cell').filter({ hasText: text }).first();
const dialogOf = (page, name) => page.getByRole('dialog', { name });
const enterCode = async (page) => {
  await dialogOf(page, 'Confirm it is you').waitFor();
  await page.keyboard.type('123456');
  await dialogOf(page, 'Confirm it is you').waitFor({ state: 'hidden' });
};

for (const look of [{ colorScheme: 'light', width: 1200 }, { colorScheme: 'dark', width: 1200 }, { colorScheme: 'dark', width: 390 }]) {
  test(`every such page, ${look.colorScheme}, ${look.width} px wide, has no finding and stays inside`, async () => {
    tellAll(played);
    for (const entry of comingPages) {
      played.session = entry.signedOut ? null : structuredClone(session);
      const page = await played.window(look);
      await page.open(entry.path);
      await entry.ready(page);
      assert.deepEqual(await findings(page), [], entry.name);
      assert.equal(await sideways(page), 0, `${entry.name} sticks out`);
      assert.deepEqual(page.faults, [], entry.name);
      await page.done();
    }
  });
}

test('what the server lacks has no entry, and its address says so plainly', async () => {
  const page = await played.window();
  for (const [path, title] of [['/billing', 'Billing'], ['/team', 'Team'], ['/keys', 'API keys'], ['/operator', 'Operator']]) {
    await page.open(path);
    await page.getByRole('heading', { name: `This server does not offer ${title}` }).waitFor();
    await nav(page).getByRole('link', { name: 'Agents' }).waitFor();
    assert.equal(await nav(page).getByRole('link', { name: title }).count(), 0);
  }
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('what the role does not reach has no entry; a server in trouble keeps it and offers to try again', async () => {
  tellKeys(played);
  played.fail('GET', '/api/billing', 403);
  const mend = played.fail('GET', '/api/keys', 500);
  const page = await played.window();
  await page.open('/billing');
  await page.getByRole('heading', { name: 'This is not for your role' }).waitFor();
  await nav(page).getByRole('link', { name: 'API keys' }).click();
  await page.getByRole('alert').filter({ hasText: 'The keys could not be loaded' }).waitFor();
  assert.equal(await nav(page).getByRole('link', { name: 'Billing' }).count(), 0);
  mend();
  await page.getByRole('button', { name: 'Try again' }).click();
  await cell(page, 'Nightly report').waitFor();
  await page.done();
});

test('somebody who signs in is not shown what the one before them was offered', async () => {
  tellBilling(played);
  played.session = null;
  const page = await played.window();
  await page.open('/billing');
  await page.getByRole('heading', { name: /Sign in/ }).waitFor();
  assert.equal(played.callsOf('GET', '/api/billing').length, 0, 'nobody asks for a page before they are signed in');
  await page.done();
});

test('a slow answer shows that it is waited for, then the page', async () => {
  tellBilling(played);
  const release = played.hold('GET', '/api/billing/plans');
  const page = await played.window();
  await page.open('/billing');
  await page.getByText('14 of 20').waitFor();
  await page.getByRole('status', { name: 'Loading plans' }).waitFor();
  release();
  await page.getByRole('article', { name: 'Scale' }).waitFor();
  await page.done();
});

test('billing: another plan is chosen with a fresh code, and leads to the payment page', async () => {
  tellBilling(played);
  played.session.fresh = false;
  const page = await played.window();
  await page.open('/billing');
  await page.getByRole('button', { name: 'Choose Starter' }).click();
  const dialog = dialogOf(page, 'Change to Starter?');
  await dialog.getByText('Agents: you use 14').waitFor();
  await dialog.getByRole('button', { name: 'Go to payment' }).click();
  await enterCode(page);
  await page.getByText('Thank you').waitFor();
  assert.deepEqual(played.callsOf('POST', '/api/billing/checkout').map(({ body }) => body), [{ plan: 'starter' }, { plan: 'starter' }], 'refused once, then done');
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.waitForURL((url) => !url.search.includes('checkout'));
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('billing: an address that is not safe is not opened, an unknown limit is shown, hostile names are text', async () => {
  const { billing, invoices } = tellBilling(played);
  Object.assign(billing, { status: 'past_due', plan: HOSTILE, portalUrl: 'javascript:alert(1)', limits: { ...billing.limits, webhookCalls: 5000 } });
  Object.assign(invoices[0], { number: HOSTILE, url: 'data:text/html,<script>alert(1)</script>' });
  played.on('POST', '/api/billing/checkout', { url: 'javascript:alert(1)' });
  const page = await played.window();
  await page.open('/billing');
  await page.getByText('The last payment failed').waitFor();
  await page.getByText('Webhook calls').waitFor();
  await cell(page, HOSTILE).waitFor();
  assert.equal(await page.locator('a[href^="javascript"], a[href^="data"]').count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Update the card' }).count(), 0);
  await page.getByRole('button', { name: 'Choose Scale' }).click();
  await page.getByRole('button', { name: 'Go to payment' }).click();
  await page.getByRole('alert').filter({ hasText: 'not safe to open' }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('billing: no plans and no invoices on offer, and a viewer who changes nothing', async () => {
  tellBilling(played);
  played.fail('GET', '/api/billing/invoices', 404);
  played.session.user.role = 'viewer';
  const page = await played.window();
  await page.open('/billing');
  await page.getByText('Only owners and admins change the plan.').waitFor();
  await page.getByText('Your invoices are where your cards and addresses are.').waitFor();
  assert.equal(await page.getByRole('button', { name: /Choose/ }).count(), 0);
  played.fail('GET', '/api/billing/plans', 404);
  await page.reload();
  await page.getByText('Your invoices are where your cards and addresses are.').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Plans' }).count(), 0);
  await page.done();
});

test('keys: made by keyboard with scopes and a day, shown once, kept nowhere', async () => {
  tellKeys(played);
  played.session.fresh = false;
  const page = await played.window({ permissions: ['clipboard-read', 'clipboard-write'] });
  await page.open('/keys');
  await page.getByRole('button', { name: 'Create a key' }).focus();
  await page.keyboard.press('Enter');
  const dialog = dialogOf(page, 'Create an API key');
  await dialog.waitFor();
  await page.keyboard.type('Nightly report');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await dialog.getByRole('checkbox', { name: 'Deploy, change' }).and(page.locator(':checked')).waitFor();
  await page.getByLabel('Ends after').selectOption('own');
  await page.getByLabel('Last day (UTC)').fill('2031-05-01');
  await dialog.getByRole('button', { name: 'Create the key' }).click();
  await enterCode(page);
  await dialog.getByText('There is a key with this name.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Second report');
  await dialog.getByRole('button', { name: 'Create the key' }).click();
  const shown = dialogOf(page, 'Your key “Second report”');
  await shown.getByText(SECRET).waitFor();
  assert.deepEqual(played.callsOf('POST', '/api/keys').at(-1).body, { name: 'Second report', scopes: ['agents:read', 'agents:write'], expiresAt: '2031-05-01T23:59:59Z' });
  await shown.getByRole('button', { name: 'Copy the key' }).click();
  await shown.getByText('Copied').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), SECRET);
  await page.keyboard.press('Escape');
  await shown.getByText('It cannot be shown again').waitFor();
  await shown.getByRole('checkbox', { name: 'I have stored it' }).check();
  await shown.getByRole('button', { name: 'Done' }).click();
  await cell(page, 'Second report').waitFor();
  const kept = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) + window.location.href);
  assert.ok(!kept.includes(SECRET));
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('keys: revoking needs the name typed, and says when it failed', async () => {
  const { keys } = tellKeys(played);
  keys[0].name = HOSTILE;
  const mend = played.fail('DELETE', '/api/keys/:id');
  const page = await played.window();
  await page.open('/keys');
  await page.getByRole('button', { name: `Revoke ${HOSTILE}` }).click();
  const dialog = page.getByRole('dialog');
  assert.ok(await dialog.getByRole('button', { name: 'Revoke' }).isDisabled());
  await dialog.getByRole('textbox').fill(HOSTILE);
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'The database is away.' }).waitFor();
  mend();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: `Revoke ${HOSTILE}` }).waitFor({ state: 'detached' });
  assert.equal(keys.length, 2);
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('keys: no key yet, many keys page by page, and a member who only reads', async () => {
  const { keys } = tellKeys(played);
  const model = keys.splice(0)[0];
  const page = await played.window();
  await page.open('/keys');
  await page.getByRole('heading', { name: 'No API keys yet' }).waitFor();
  keys.push(...Array.from({ length: 120 }, (_, index) => ({ ...model, id: `key-${index}`, name: `Key ${index + 1}` })));
  played.session.user.role = 'member';
  await page.reload();
  await cell(page, 'Key 50').waitFor();
  assert.equal(await page.getByRole('row').count(), 51);
  const mend = played.fail('GET', '/api/keys', 500);
  await page.getByRole('button', { name: 'More keys' }).click();
  await page.getByRole('alert').filter({ hasText: 'More keys could not be loaded' }).waitFor();
  mend();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Key 100', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'More keys' }).click();
  await page.getByText('Key 120', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'More keys' }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('button', { name: /Create a key|Revoke/ }).count(), 0);
  await page.done();
});

test('team: a role is changed as it is now; a change by somebody else in between is told', async () => {
  const { members, touch } = tellTeam(played);
  const page = await played.window();
  await page.open('/team');
  await page.getByRole('button', { name: 'Change role of li.wei@example.com' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: 'Viewer' }).check();
  const member = members.find(({ email }) => email === 'li.wei@example.com');
  member.role = 'admin';
  touch(member);
  await dialog.getByRole('button', { name: 'Change role' }).click();
  await dialog.getByText('The role is Admin now.').waitFor();
  assert.equal(member.role, 'admin', 'nothing was overwritten');
  await dialog.getByRole('radio', { name: 'Viewer' }).check();
  await dialog.getByRole('button', { name: 'Change role' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('row').filter({ hasText: 'li.wei@example.com' }).getByText('Viewer').waitFor();
  assert.equal(member.role, 'viewer');
  await page.done();
});

test('team: removing needs the e-mail typed; search is in the address; nobody removes themselves', async () => {
  const { members } = tellTeam(played);
  members.push({ ...members[1], id: 'hostile', email: `${HOSTILE}@example.com` });
  const page = await played.window();
  await page.open('/team?q=onerror');
  await cell(page, HOSTILE).waitFor();
  await page.getByRole('button', { name: 'Remove nadia@example.com' }).waitFor({ state: 'detached' });
  await page.getByLabel('Search members').fill('nobody is called that');
  await page.getByRole('heading', { name: 'No member fits' }).waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: 'Remove tom.okafor@example.com' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill('tom.okafor@example.com');
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('button', { name: 'Remove tom.okafor@example.com' }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('button', { name: 'Remove owner@example.com' }).count(), 0);
  await page.getByRole('heading', { name: 'Team', level: 1 }).and(page.locator(':focus')).waitFor();
  assert.equal(new URL(page.url()).search, '');
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('team: an invitation is made, its link is shown, and it can be withdrawn', async () => {
  const { invitations } = tellTeam(played);
  invitations.length = 0;
  const page = await played.window();
  await page.open('/team');
  await page.getByText('Nobody is invited at the moment.').waitFor();
  await page.getByRole('button', { name: 'Invite somebody' }).first().click();
  await page.getByLabel('E-mail', { exact: true }).fill('new@example.com');
  await page.getByRole('radio', { name: 'Viewer' }).check();
  await dialogOf(page, 'Invite somebody').getByRole('button', { name: 'Invite', exact: true }).click();
  await dialogOf(page, 'Invited').getByText('/app/invitation#invite-token-for-one').waitFor();
  await page.getByRole('button', { name: 'Done' }).click();
  assert.deepEqual(played.callsOf('POST', '/api/invitations')[0].body, { email: 'new@example.com', role: 'viewer' });
  await page.getByRole('button', { name: 'Withdraw the invitation of new@example.com' }).click();
  await page.getByText('Nobody is invited at the moment.').waitFor();
  await page.done();
});

test('team: an admin gives no ownership; a viewer sees members and no invitations', async () => {
  tellTeam(played);
  Object.assign(played.session.user, { id: 'somebody-else', role: 'admin' });
  const page = await played.window();
  await page.open('/team');
  await page.getByRole('button', { name: 'Change role of nadia@example.com' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Change role of owner@example.com' }).count(), 0);
  await page.getByRole('button', { name: 'Invite somebody' }).first().click();
  await page.getByRole('radio', { name: 'Admin' }).waitFor();
  assert.equal(await page.getByRole('radio', { name: 'Owner' }).count(), 0);
  await page.keyboard.press('Escape');
  await cell(page, 'sofia@example.com').waitFor();
  const asked = played.callsOf('GET', '/api/invitations').length;
  played.session.user.role = 'viewer';
  await page.reload();
  await cell(page, 'nadia@example.com').waitFor();
  assert.equal(await page.getByRole('button', { name: /Invite|Change|Remove/ }).count(), 0);
  assert.equal(played.callsOf('GET', '/api/invitations').length, asked, 'a viewer does not ask for them');
  await page.done();
});

test('an invitation: its token leaves the address, a refused password is told, and two-factor comes next', async () => {
  tellInvitation(played);
  played.session = null;
  const page = await played.window();
  await page.open('/invitation#invite-token-for-one');
  await page.getByRole('heading', { name: 'Join Example GmbH' }).waitFor();
  await page.waitForURL((url) => url.hash === '');
  assert.ok(played.calls.every(({ path, query }) => !JSON.stringify([path, query]).includes('invite-token')));
  await page.getByLabel('Choose a password').fill('password1234');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('This password is known from leaks.').waitFor();
  await page.getByLabel('Choose a password').fill('a sentence that works well');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('heading', { name: 'Turn on two-factor' }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('an invitation that has ended, or lost its end, says what to do', async () => {
  tellInvitation(played);
  played.session = null;
  const page = await played.window();
  for (const end of ['', '#cut-sho', '#old']) {
    await page.open('/login');
    await page.getByRole('heading', { name: /Sign in/ }).waitFor();
    await page.open(`/invitation${end}`);
    await page.getByRole('heading', { name: 'This invitation does not work' }).waitFor();
  }
  await page.open('/login');
  const mend = played.fail('POST', '/api/auth/invitation', 500);
  await page.open('/invitation#invite-token-for-one');
  await page.getByRole('alert').filter({ hasText: 'The invitation could not be loaded' }).waitFor();
  mend();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'Join Example GmbH' }).waitFor();
  await page.done();
});

test('an invitation opened by somebody who is signed in: they sign out and go on at the same place', async () => {
  tellInvitation(played).open.clientName = HOSTILE;
  const page = await played.window();
  await page.open('/invitation#invite-token-for-one');
  await page.getByText('You are signed in as somebody else').waitFor();
  await page.getByRole('button', { name: 'Sign out and go on' }).click();
  await page.getByLabel('Choose a password').waitFor();
  assert.equal(played.session, null);
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), `Join ${HOSTILE}`);
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a change that is given up at the code leaves everything as it was', async () => {
  const { members } = tellTeam(played);
  played.session.fresh = false;
  const page = await played.window();
  await page.open('/team');
  await page.getByRole('button', { name: 'Remove audit@example.com' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('audit@example.com');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await dialogOf(page, 'Confirm it is you').waitFor();
  await page.keyboard.press('Escape');
  await dialogOf(page, 'Confirm it is you').waitFor({ state: 'hidden' });
  assert.equal(members.length, 5);
  await dialogOf(page, /Remove audit/).waitFor();
  await page.done();
});

