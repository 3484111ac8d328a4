// The static pages as the real platform serves them, with an operator's settings, and the waitlist down
// to its row. Needs root, web/node_modules and chromium.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { build } from '../../web/landing/build.mjs';
import { Platform, root } from '../e2e/harness.mjs';

const { chromium } = createRequire(path.join(root, 'web/package.json'))('playwright-core');

const dist = fs.mkdtempSync(path.join(os.tmpdir(), 'landing-'));
const routes = build(dist);
fs.chmodSync(dist, 0o755);  // read by the user of the api process
const platform = await new Platform().start([
  `web.root=${dist}`, 'branding.name=Söhne & <b>Co</b>', 'branding.support=help@example.com',
  'branding.accent=#0f766e', 'branding.book_call_url=https://calls.example.com/?a=1&b=2',
]);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
test.after(async () => {
  await browser.close();
  await platform.stop();
  fs.rmSync(dist, { recursive: true });
});

// Homes are used again: addresses of this run only.
const address = (who) => `${who}-${process.pid}-${Date.now()}@example.com`;
const get = (where, headers = {}) => fetch(platform.url + where, { headers, redirect: 'manual' });

test('every page is served, with nothing of the templates left, and not sent again while unchanged', async () => {
  for (const route of routes) {
    const answer = await get(route);
    assert.equal(answer.status, 200, route);
    assert.match(answer.headers.get('content-type'), /^text\/html/, route);
    const html = await answer.text();
    assert.doesNotMatch(html, /\{\{|\[\[/, route);
    assert.ok(html.includes('&lt;b&gt;Co&lt;/b&gt;') || html.includes('&#60;b&#62;Co&#60;/b&#62;'), `${route}: the name, escaped`);
  }
  const first = await get('/');
  assert.equal((await get('/', { 'if-none-match': first.headers.get('etag') })).status, 304);
  const styles = (await first.text()).match(/\/assets\/landing-\w+\.css/)[0];
  assert.match((await get(styles)).headers.get('cache-control'), /immutable/);
});

test('an unknown address gets the page that says so', async () => {
  const answer = await get('/no/such/page');
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /There is no page here/);
});

test('what search engines read names the real origin', async () => {
  assert.match(await (await get('/sitemap.xml')).text(), new RegExp(`<loc>${platform.url}/</loc>`));
  assert.match(await (await get('/robots.txt')).text(), new RegExp(`^Sitemap: ${platform.url}/sitemap.xml$`, 'm'));
});

test('in a browser without JavaScript: no complaint, the accent is the operator\'s, the waitlist takes the address', async () => {
  const ana = address('ana');
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (message) => { if (message.type() === 'error') trouble.push(message.text()); });
  page.on('requestfailed', (request) => trouble.push(`${request.url()}: ${request.failure().errorText}`));
  await page.goto(platform.url);
  assert.equal(await page.locator('.brand').textContent(), 'Söhne & <b>Co</b>');
  assert.match(await (await get('/branding.css')).text(), /#0f766e/);
  await page.getByLabel('E-mail').fill(ana);
  await page.getByLabel('Company').fill('Ana & Söhne');
  await page.getByLabel('What should your agent do?').fill('Read <b>mail</b>\nand answer');
  await page.getByRole('button', { name: 'Join the waitlist' }).click();
  await page.waitForURL('**/waitlist-thanks');
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Thank you');
  assert.deepEqual(trouble, []);
  await context.close();
  const row = platform.sql(`SELECT concat_ws('|', name, company, message) FROM waitlist.entries WHERE email = '${ana}'`);
  assert.equal(row, 'Ana & Söhne|Read <b>mail</b>\nand answer');
});

test('a robot that fills in everything gets the same answer and no row', async () => {
  const robot = address('robot');
  const answer = await fetch(`${platform.url}/api/waitlist`, {
    method: 'POST', redirect: 'manual', headers: { origin: platform.url },
    body: new URLSearchParams({ email: robot, name: 'r', company: 'r', message: 'r', website: 'https://spam.example' }),
  });
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get('location'), '/waitlist-thanks');
  assert.equal(platform.sql(`SELECT count(*) FROM waitlist.entries WHERE email = '${robot}'`), '0');
});
