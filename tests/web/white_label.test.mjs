// The pages with an operator's name, logo, colour, support address and style sheet, as the real platform
// serves them: settings alone, the same built pages.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Customer } from '../e2e/harness.mjs';
import { findings, PASSWORD, sideways, Site, until } from './browser.mjs';

const NAME = 'Ants & <b>Söhne</b>';
const SUPPORT = 'help@example.com';
// Too light for white text on it, and as text on white.
const ACCENT = '#facc15';
const own = fs.mkdtempSync(path.join(os.tmpdir(), 'white-label-'));
const site = new Site();
let customer;

before(async () => {
  fs.chmodSync(own, 0o755);  // read by the user of the api process
  fs.writeFileSync(path.join(own, 'ants.svg'), '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="20"/></svg>');
  fs.writeFileSync(path.join(own, 'ants.css'), ':root { --radius-sm: 3px; --font: monospace; }');
  await site.start([`branding.name=${NAME}`, `branding.support=${SUPPORT}`, `branding.accent=${ACCENT}`,
    `branding.logo=${path.join(own, 'ants.svg')}`, `branding.css_file=${path.join(own, 'ants.css')}`]);
  assert.equal(site.preview, null, 'the platform serves the pages');
  customer = await site.customer();
});
after(async () => {
  assert.equal(await site.stop(), 0);
  fs.rmSync(own, { recursive: true });
});

const heading = (page, name) => page.getByRole('heading', { name, level: 1 });
const style = (locator, name) => locator.evaluate((element, property) => getComputedStyle(element)[property], name);
const branded = (page) => page.waitForFunction(() => document.documentElement.hasAttribute('data-accent'));
async function showsTheBrand(page) {
  await page.getByText(NAME).first().waitFor();
  const logo = page.locator('img[src="/branding/logo.svg"]').first();
  await until('the logo is drawn', () => logo.evaluate((image) => image.complete && image.naturalWidth > 0));
  assert.ok(!(await page.locator('body').innerText()).includes('DeployClaw'), 'no other name');
}

test('the window has the operator’s name before any script has run', async () => {
  const page = await (await fetch(`${site.url}/app/agents`)).text();
  assert.match(page, /<title>Ants &amp; &lt;b&gt;Söhne&lt;\/b&gt;<\/title>/);
  assert.ok(!page.includes('DeployClaw'));
});

test('name, logo and title are the operator’s before and after signing in, and the support address is at hand', async () => {
  const stranger = await site.window();
  for (const [where, title] of [['/login', /Sign in/], ['/register', 'Create your account']]) {
    await stranger.open(where);
    await heading(stranger, title).waitFor();
    await showsTheBrand(stranger);
  }
  assert.deepEqual(stranger.faults, []);
  await stranger.done();

  const page = await site.window({ customer });
  for (const [where, title] of [['/agents', 'Agents'], ['/security', 'Security'], ['/audit', 'Audit log']]) {
    await page.open(where);
    await heading(page, title).waitFor();
    await showsTheBrand(page);
    await until('the title', async () => (await page.title()) === `${title} · ${NAME}`);
  }
  assert.equal(new URL(await page.locator('link[rel=icon]').evaluate((link) => link.href)).pathname, '/branding/logo.svg');
  await page.evaluate(() => { window.navigation.addEventListener('navigate', (event) => { window.asked = event.destination.url; }); });
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Support' }).click();
  await until('a letter to it', async () => (await page.evaluate(() => window.asked)) === `mailto:${SUPPORT}`);
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('the colour and the custom properties hold everywhere, and can be read in every look', async () => {
  for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark', width: 390, height: 844 }]) {
    const page = await site.window({ ...options, customer });
    await page.open('/agents');
    await branded(page);
    const deploy = page.locator('.button-primary').first();
    await deploy.waitFor();
    assert.equal(await style(deploy, 'backgroundColor'), 'rgb(250, 204, 21)');
    assert.equal(await style(deploy, 'borderRadius'), '3px');
    assert.match(await style(page.locator('body'), 'fontFamily'), /^monospace/);
    for (const where of ['/agents', '/security', '/agents/new', '/audit']) {
      await page.open(where);
      await branded(page);
      await page.locator('h1').waitFor();
      await page.waitForFunction(() => !document.querySelector('.skeleton-lines'));
      assert.deepEqual(await findings(page), [], `${where} ${JSON.stringify(options)}`);
      assert.equal(await sideways(page), 0, where);
    }
    assert.deepEqual(page.faults, []);
    await page.done();
  }
});

test('the static pages have them too', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await site.window({ colorScheme });
    await page.goto(site.url);
    await showsTheBrand(page);
    await page.getByRole('link', { name: SUPPORT }).first().waitFor();
    assert.equal(await style(page.locator('.button').first(), 'backgroundColor'), 'rgb(250, 204, 21)');
    assert.deepEqual(await findings(page), []);
    await page.done();
  }
});

test('an authenticator app shows the operator’s name', async () => {
  const stranger = new Customer(site.platform);
  await stranger.must(201, 'POST', '/api/auth/register', { email: stranger.email, password: PASSWORD, clientName: 'A stranger' });
  stranger.csrf = (await stranger.must(200, 'GET', '/api/auth/session')).csrfToken;
  const { otpauthUrl } = await stranger.must(200, 'POST', '/api/auth/2fa/setup', {});
  assert.equal(new URL(otpauthUrl).searchParams.get('issuer'), NAME);
});
