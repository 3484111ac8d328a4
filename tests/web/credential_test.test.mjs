// Trying a stored credential from the page: in the agent's list of credentials and after the wizard. What
// the server answers is played, so that every verdict comes; the real calls are in
// tests/e2e/credential_test.test.mjs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { findings, sideways, Site } from './browser.mjs';

const site = new Site();
let customer, agent;
const PATIENCE = 45_000;

before(async () => {
  await site.start();
  customer = await site.customer();
  const body = await customer.must(202, 'POST', '/api/agents', {
    name: 'Tried', runtime: 'probe', permissions: { scopes: [] }, desiredState: 'stopped',
    credentials: [{ name: 'OPENAI', kind: 'openai', value: 'sk-test-abcdefghijklmnopqrstuvwxyz0123' },
      { name: 'OWN', kind: 'generic', value: 'value-0123456789', hosts: ['api.example.com'] }] });
  agent = body.agent.id;
});
after(async () => assert.equal(await site.stop(), 0));

async function openWindow(options = {}) {
  const page = await site.window({ customer, ...options });
  page.setDefaultTimeout(PATIENCE);
  // A button that is busy takes no click.
  page.idleButton = page.locator('button[aria-label="Test OPENAI"]:not([aria-busy])');
  return page;
}

// Answers calls of the test with `next.answer`, once `next.held` is done.
async function play(page) {
  const next = { answer: null, held: Promise.resolve(), asked: [] };
  await page.route('**/credentials/*/test', async (route) => {
    next.asked.push(`${route.request().method()} ${new URL(route.request().url()).pathname}`);
    await next.held;
    const { status = 200, ...answer } = next.answer;
    await route.fulfill({ status, contentType: status === 200 ? 'application/json' : 'application/problem+json', body: JSON.stringify(answer.body) });
  });
  return next;
}
const verdict = (name, reason, status, message) => ({ body: { verdict: name, reason, status, message, testedAt: '2026-01-02T03:04:05.678Z' } });

test('in the list of credentials the verdict is told in words, with what to do next', async () => {
  const page = await openWindow();
  const server = await play(page);
  await page.open(`/agents/${agent}/credentials`);
  const button = page.getByRole('button', { name: 'Test OPENAI' });
  await button.waitFor();
  assert.equal(await page.getByRole('button', { name: 'Test OWN' }).count(), 0, 'its kind has no test');
  const told = page.getByRole('status');

  let release;
  server.held = new Promise((done) => { release = done; });
  server.answer = verdict('accepted', 'accepted', 200, 'OpenAI accepts this credential.');
  await button.focus();
  await page.keyboard.press('Enter');
  await button.getByText('Testing…').waitFor();
  assert.equal(await button.getAttribute('aria-busy'), 'true');
  release();
  await told.getByText('OPENAI works').waitFor();
  await told.getByText('OpenAI accepts this credential.').waitFor();
  assert.deepEqual(server.asked, [`POST /api/agents/${agent}/credentials/OPENAI/test`]);

  server.answer = verdict('refused', 'rejected', 401, 'OpenAI refuses this credential. Replace it.');
  await page.idleButton.click();
  await told.getByText('OPENAI is refused').waitFor();
  await told.getByText('The service answered 401.').waitFor();
  server.answer = verdict('unreachable', 'egress_silent', null, 'The gateway did not answer within 30 seconds.');
  await page.idleButton.click();
  await told.getByText('OPENAI could not be tested').waitFor();
  server.answer = verdict('unclear', 'not_allowed', 403, 'OpenAI knows this credential.');
  await page.idleButton.click();
  await told.getByText('OPENAI has no clear verdict').waitFor();
  server.answer = { status: 429, body: { type: '/problems/too_many_tests', title: 'Too many requests', status: 429, code: 'too_many_tests', detail: 'Credentials can be tested 10 times a minute.', requestId: 'r' } };
  await page.idleButton.click();
  await told.getByText('Credentials can be tested 10 times a minute.').waitFor();
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a replaced credential has no verdict any more', async () => {
  const page = await openWindow();
  const server = await play(page);
  server.answer = verdict('refused', 'rejected', 401, 'OpenAI refuses this credential.');
  await page.open(`/agents/${agent}/credentials`);
  await page.idleButton.click();
  await page.getByText('OPENAI is refused').waitFor();
  await page.getByRole('button', { name: 'Replace OPENAI' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replace OPENAI' });
  await dialog.getByLabel('Value', { exact: true }).fill('sk-test-another-abcdefghijklmnopqrstuv');
  await dialog.getByRole('button', { name: 'Replace' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('OPENAI is refused').waitFor({ state: 'detached' });
  await page.done();
});

test('after the wizard the stored keys can be tried, in a narrow window too', async () => {
  const page = await openWindow({ width: 390 });
  const server = await play(page);
  server.answer = verdict('accepted', 'accepted', 200, 'OpenAI accepts this credential.');
  await page.open(`/agents/${agent}/deploying?first`);
  await page.getByRole('heading', { name: 'Test the keys' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Test OWN' }).count(), 0);
  await page.idleButton.click();
  await page.getByText('OPENAI works').waitFor();
  assert.ok(await sideways(page) <= 0, 'nothing sticks out');
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(page.faults, []);
  await page.done();
});
