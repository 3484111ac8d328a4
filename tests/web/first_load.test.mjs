// What is asked for before the app itself is there (web/src/start.ts): once, used where it is good, and
// never shown to somebody who has signed in since. A played API.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness.mjs';
import { manyAgents } from './many_agents.mjs';
import { pageOf, Played, problem } from './played.mjs';

const played = new Played();
let session;

before(async () => {
  await played.start();
  session = structuredClone(played.session);
});
beforeEach(() => {
  played.session = structuredClone(session);
  played.reset();
  played.on('GET', '/api/agents', ({ query }) => pageOf(manyAgents(3), query, 200));
  played.on('POST', '/api/auth/login', () => { played.session = structuredClone(session); return { user: session.user }; });
});
after(() => played.stop());

const calls = (path) => played.callsOf('GET', path).length;
const row = (page) => page.getByRole('link', { name: 'agent 1', exact: true });

// The app's script arrives when `arrive` is called.
async function opened(address) {
  const page = await played.window();
  let arrive;
  const arrives = new Promise((done) => { arrive = done; });
  await page.route('**/assets/app-*.js', async (route) => { await arrives; await route.continue(); });
  void page.open(address).catch(() => {});
  await until('the session is asked for', () => calls('/api/auth/session') > 0, 30);
  return { page, arrive };
}
const end = async (page) => {
  assert.deepEqual(page.faults, []);
  await page.done();
};

test('session and agents are asked for while the app is still on its way, and are not asked for again', async () => {
  const { page, arrive } = await opened('/agents');
  await until('the agents are asked for', () => calls('/api/agents') === 1, 30);
  // Whoever asks again waits.
  const release = [played.hold('GET', '/api/agents'), played.hold('GET', '/api/auth/session')];
  arrive();
  await row(page).waitFor();
  for (const one of release) one();
  await end(page);
});

test('at other addresses nobody asks for agents before they are wanted', async () => {
  played.session = null;
  const { page, arrive } = await opened('/login');
  arrive();
  await page.getByLabel('Password', { exact: true }).waitFor();
  assert.equal(calls('/api/agents'), 0);
  assert.equal(calls('/api/auth/session'), 1);
  await end(page);
});

test('trouble while the app was on its way is no trouble of the app', async () => {
  const mend = [played.fail('GET', '/api/agents', 500), played.fail('GET', '/api/auth/session', 500)];
  const { page, arrive } = await opened('/agents');
  await until('the agents are asked for', () => calls('/api/agents') === 1, 30);
  for (const one of mend) one();
  arrive();
  await row(page).waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
  await end(page);
});

test('who signs in sees what they may see, not the refusal from before', async () => {
  played.session = null;
  const { page, arrive } = await opened('/agents');
  arrive();
  await page.getByLabel('E-mail').fill('owner@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery staple');
  await page.getByRole('button', { name: 'Continue' }).click();
  await row(page).waitFor();
  await end(page);
});

test('a session that waits for its code is asked for it by the sign-in, by nothing else', async () => {
  played.session.level = 'half';
  played.on('GET', '/api/agents', ({ query }) => (played.session.level === 'full' ? pageOf(manyAgents(3), query, 200) : problem(403, 'two_factor_required', 'A code is needed.')));
  played.on('POST', '/api/auth/2fa/verify', () => { played.session.level = 'full'; return { user: played.session.user }; });
  const { page, arrive } = await opened('/agents');
  arrive();
  await page.getByRole('heading', { name: 'Enter your code' }).waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.getByRole('textbox').first().focus();
  await page.keyboard.type('123456');
  await row(page).waitFor();
  await end(page);
});
