// Agents' own pages through the platform: one host for each agent, entered by a ticket. Then the same
// with the real OpenClaw's Control UI in a real browser, where both are on this machine.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Customer, Platform, root, until } from './harness.mjs';

const platform = new Platform();
let customer;

before(async () => {
  await platform.start();
  customer = await new Customer(platform).join();
});
after(async () => { assert.equal(await platform.stop(), 0); });

// Asks an agent's host, whose name need not resolve here.
function ask(url, { method = 'GET', headers = {}, body } = {}) {
  const { host, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: pathname + search, headers: { host, ...headers } },
      (response) => {
        const chunks = [];
        response.on('data', (c) => chunks.push(c));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers,
          text: Buffer.concat(chunks).toString() }));
      });
    request.on('error', reject);
    request.end(body);
  });
}

const ticket = async (agent) => (await customer.must(200, 'POST', `/api/agents/${agent}/page-ticket`, {})).url;

test('a ticket opens an agent’s own page, and ends with it', async () => {
  const agent = await customer.deploy('has a page');
  assert.equal((await customer.verdict(agent)).deployment.state, 'live');
  const url = await ticket(agent);
  const origin = new URL(url).origin;
  assert.equal(new URL(url).hostname, `${agent}.agents.localhost`);
  assert.equal((await ask(origin + '/healthz')).status, 401);
  const entered = await ask(url);
  assert.equal(entered.status, 200);
  const cookie = entered.headers['set-cookie'][0].split(';')[0];
  assert.equal((await ask(url)).status, 401, 'once');
  const page = await ask(origin + '/healthz', { headers: { cookie } });
  assert.deepEqual(JSON.parse(page.text), { ok: true, status: 'live' });
  assert.equal((await ask(origin + '/api/auth/session', { headers: { cookie: customer.cookie } })).status, 401,
    'nothing of the dashboard is there');
  const foreign = await ask(origin + '/healthz', { headers: { cookie, origin: 'http://evil.example' } });
  assert.equal(foreign.status, 403);
  await customer.must(202, 'POST', `/api/agents/${agent}/stop`, {});
  assert.equal((await ask(origin + '/healthz', { headers: { cookie } })).status, 503);
  await customer.remove(agent);
  assert.equal((await ask(origin + '/healthz', { headers: { cookie } })).status, 401);
});

const chromium = '/usr/bin/chromium';
const playwright = path.join(root, 'web/node_modules/playwright-core');
const images = path.join(platform.home, 'images');
const hasOpenClaw = fs.existsSync(images) && fs.readdirSync(images).some((name) => name.startsWith('openclaw'));
const missing = [[chromium, fs.existsSync(chromium)], ['playwright-core', fs.existsSync(playwright)],
  ['the OpenClaw image', hasOpenClaw]].filter(([, there]) => !there).map(([name]) => name);

test('OpenClaw’s Control UI opens in a browser that never sees its token', { skip: missing.join(', ') || false }, async () => {
  const agent = await customer.deploy('openclaw', {}, { runtime: 'openclaw', permissions: { scopes: [] } });
  assert.equal((await customer.verdict(agent, 400)).deployment.state, 'live');
  const { chromium: browserType } = createRequire(import.meta.url)(playwright);
  const browser = await browserType.launch({ executablePath: chromium, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const frames = [];
    const texts = [];
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => frames.push(String(payload)));
      socket.on('framesent', ({ payload }) => frames.push(String(payload)));
    });
    page.on('response', async (response) => { texts.push(await response.text().catch(() => '')); });
    await page.goto(await ticket(agent));
    await until('the Control UI is connected', () => frames.some((frame) => frame.includes('hello-ok')), 90);
    await page.waitForTimeout(3000);
    fs.mkdirSync(path.join(root, 'var/screens'), { recursive: true });
    await page.screenshot({ path: path.join(root, 'var/screens/openclaw-control-ui.png') });
    const file = execFileSync('find', [path.join(platform.home, 'agents', agent), '-name', 'openclaw.json']).toString().trim();
    const token = JSON.parse(fs.readFileSync(file, 'utf8')).gateway.auth.password;
    assert.equal(token.length, 43);
    for (const text of [...frames, ...texts]) assert.equal(text.toLowerCase().includes(token.toLowerCase()), false);
    await customer.must(202, 'POST', `/api/agents/${agent}/stop`, {});
    const before = frames.length;
    await page.reload().catch(() => {});
    assert.equal(frames.slice(before).some((frame) => frame.includes('hello-ok')), false, 'it ended with the agent');
  } finally { await browser.close(); }
  await customer.remove(agent);
});
