// The static pages, in Debian's Chromium, served as the api process serves them (static_site.mjs).
// Needs web/node_modules (npm ci there) and chromium; the pages are built into a folder of their own.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { build } from '../../web/landing/build.mjs';
import { claims } from '../../web/landing/claims.mjs';
import { fill } from '../../web/landing/fill.mjs';
import { readPlans } from '../../web/landing/plans.mjs';
import { startSite } from './static_site.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const require = createRequire(path.join(root, 'web/package.json'));
const { chromium } = require('playwright-core');
const axeSource = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const dist = fs.mkdtempSync(path.join(os.tmpdir(), 'landing-'));
const routes = build(dist);
const site = await startSite(dist);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
test.after(async () => {
  await browser.close();
  await site.close();
  fs.rmSync(dist, { recursive: true });
});

const source = (route) => fs.readFileSync(path.join(dist, route === '/' ? 'index.html' : `${route}.html`), 'utf8');

// Runs `use` with a page; what the page complains of or asks other hosts for comes back as a list.
async function withPage(use, { url = site.url, path: where = '/', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (message) => { if (message.type() === 'error') trouble.push(message.text()); });
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('request', (request) => { if (!request.url().startsWith(`${url}/`)) trouble.push(`asked ${request.url()}`); });
  try {
    await page.goto(url + where, { waitUntil: 'load' });
    await use(page);
    return trouble;
  } finally {
    await context.close();
  }
}

test('pages hold no script, no inline style and no handler', () => {
  for (const route of routes) {
    const html = source(route).replace(/\{\{#plausibleDomain\}\}[^]*?\{\{\/plausibleDomain\}\}/g, '');
    assert.doesNotMatch(html, /<script/i, route);
    assert.doesNotMatch(html, /\sstyle=|<style/i, route);
    assert.doesNotMatch(html, /\son[a-z]+=/i, route);
    assert.doesNotMatch(html, /\[\[/, `${route}: something of the build is left`);
  }
});

test('no page asks another host, breaks its policy or logs an error', async () => {
  for (const route of routes.filter((one) => one !== '/404')) {
    assert.deepEqual(await withPage(async () => {}, { path: route }), [], route);
  }
});

test('axe finds nothing, light and dark, wide and narrow', async () => {
  for (const route of routes) {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1440, 390]) {
        await withPage(async (page) => {
          await page.evaluate(() => { for (const one of document.querySelectorAll('details')) one.open = true; });
          await page.evaluate(axeSource);
          const { violations } = await page.evaluate(() => globalThis.axe.run());
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
          assert.deepEqual(found, [], `${route} ${colorScheme} ${width}`);
        }, { path: route, colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
      }
    }
  }
});

test('nothing is wider than the window, also with a wide font', async () => {
  for (const route of routes) {
    for (const width of [320, 390, 600, 768, 900, 1024, 1440]) {
      await withPage(async (page) => {
        for (const font of [':root {}', ':root { --sans: "DejaVu Sans", Verdana; --mono: "DejaVu Sans Mono" }']) {
          await page.addStyleTag({ content: font });
          const excess = await page.evaluate(() => {
            const limit = document.documentElement.clientWidth + 0.5;
            return [...document.body.querySelectorAll('*')]
              .filter((one) => !one.closest('.trap, .hidden, .skip, .window, .stage-card, thead') && one.getBoundingClientRect().right > limit)
              .map((one) => one.outerHTML.slice(0, 80));
          });
          assert.deepEqual(excess, [], `${route} at ${width}`);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${route} scrolls sideways at ${width}`);
        }
      }, { path: route, viewport: { width, height: 900 }, bypassCSP: true });
    }
  }
});

test("the picture's words stay inside their boxes, also with a wide font", async () => {
  for (const width of [1440, 1000, 390]) {
    await withPage(async (page) => {
      await page.addStyleTag({ content: '.picture { --sans: "DejaVu Sans", Verdana; --mono: "DejaVu Sans Mono" }' });
      const outside = await page.evaluate(() => {
        const picture = [...document.querySelectorAll('.picture')].find((one) => one.getBoundingClientRect().width > 0);
        const boxes = [...picture.querySelectorAll('rect')].map((one) => one.getBoundingClientRect());
        return [...picture.querySelectorAll('text')].filter((text) => {
          const at = text.getBoundingClientRect();
          const middle = at.top + at.height / 2;
          const box = boxes.filter((b) => b.left <= at.left + 1 && at.left < b.right && b.top < middle && middle < b.bottom)
            .sort((a, b) => a.width - b.width)[0];
          return box && at.right > box.right - 4;
        }).map((text) => text.textContent);
      });
      assert.deepEqual(outside, [], `at ${width}`);
    }, { viewport: { width, height: 900 }, bypassCSP: true });
  }
});

test('links lead somewhere', async () => {
  const ids = new Map(routes.map((route) => [route, new Set([...source(route).matchAll(/\sid="([^"]+)"/g)].map((found) => found[1]))]));
  const app = fs.readFileSync(path.join(root, 'web/src/app/routes.tsx'), 'utf8');
  for (const route of routes) {
    const html = await (await fetch(site.url + route)).text();
    for (const [, href] of html.matchAll(/(?:href|src|action)="([^"]+)"/g)) {
      const target = new URL(href, site.url + route);
      assert.equal(target.origin, site.url, `${route}: ${href}`);
      if (/^\/app(\/|$)/.test(target.pathname)) {
        const inside = target.pathname.replace(/^\/app\/?/, '/');
        assert.ok(app.includes(`path="${inside}"`), `the app has no page ${href}`);
      } else if (!target.pathname.startsWith('/api/')) {
        assert.equal((await fetch(target)).status, 200, `${route}: ${href}`);
      }
      if (target.hash) assert.ok(ids.get(target.pathname)?.has(target.hash.slice(1)), `${route}: ${href} has no target`);
    }
  }
});

test('an unknown address gets the page that says so, with status 404', async () => {
  const answer = await fetch(`${site.url}/no/such/page`);
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /There is no page here/);
});

test('without JavaScript the questions open and the waitlist can be joined', async () => {
  site.posted.length = 0;
  const trouble = await withPage(async (page) => {
    const question = page.locator('details').first();
    assert.equal(await question.locator('p').isVisible(), false);
    await question.locator('summary').click();
    assert.equal(await question.locator('p').isVisible(), true);
    await page.getByLabel('E-mail').fill('ana@example.com');
    await page.getByLabel('Company').fill('Ana & Söhne');
    await page.getByLabel('What should your agent do?').fill('Read <b>mail</b>');
    await page.getByRole('button', { name: 'Join the waitlist' }).click();
    await page.waitForURL('**/waitlist-thanks');
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Thank you');
  }, { javaScriptEnabled: false });
  assert.deepEqual(trouble, []);
  assert.deepEqual(site.posted, [{
    type: 'application/x-www-form-urlencoded',
    fields: { email: 'ana@example.com', name: '', company: 'Ana & Söhne', message: 'Read <b>mail</b>', website: '' },
  }]);
});

test('an address is asked for before anything is sent', async () => {
  site.posted.length = 0;
  await withPage(async (page) => {
    await page.getByLabel('E-mail').fill('no address');
    await page.getByRole('button', { name: 'Join the waitlist' }).click();
    assert.equal(await page.getByLabel('E-mail').evaluate((field) => field.validity.typeMismatch), true);
  });
  assert.deepEqual(site.posted, []);
});

test('by keyboard: the content can be skipped to, and the trap for robots is never met', async () => {
  await withPage(async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await page.getByLabel('E-mail').focus();
    const met = [];
    for (let step = 0; step < 4; step += 1) {
      await page.keyboard.press('Tab');
      met.push(await page.evaluate(() => document.activeElement.name || document.activeElement.textContent));
    }
    assert.deepEqual(met, ['name', 'company', 'message', 'Join the waitlist']);
    const trap = await page.locator('#website').boundingBox();
    assert.ok(trap.x + trap.width < 0, 'the trap is not on the screen');
  });
});

test('plans and prices are those of the catalogue', async () => {
  const catalogue = fs.readFileSync(path.join(root, 'catalog/plans.toml'), 'utf8');
  const all = (key) => [...catalogue.matchAll(new RegExp(`^${key} = "?([^"\n]+)"?$`, 'gm'))].map((found) => found[1]);
  await withPage(async (page) => {
    const cards = await page.locator('.plan').evaluateAll((list) => list.map((card) => ({
      title: card.querySelector('h3').textContent,
      price: card.querySelector('.price b').textContent,
      agents: card.querySelector('.ticks li').textContent,
    })));
    assert.deepEqual(cards, all('title').map((title, index) => ({
      title, price: `$${all('monthly_usd')[index]}`, agents: `Up to ${all('agents')[index]} agents`,
    })));
    assert.equal(await page.locator('.plan.chosen').count(), 1);
  });
});

test('a mistake in the plans stops the build and names its line', () => {
  const file = path.join(dist, 'plans.toml');
  const good = '[[plan]]\nname = "a"\ntitle = "A"\nsummary = "s"\nmonthly_usd = 1\nagents = 1\ndefault_daily_token_spend_usd = 1\nrecommended = true\n';
  const reading = (text) => () => { fs.writeFileSync(file, text); return readPlans(file); };
  assert.equal(reading(good)().length, 1);
  assert.throws(reading(good.replace('agents = 1', 'agents = "1"')), /plans\.toml:6: agents must be a number/);
  assert.throws(reading(good.replace('agents', 'agnets')), /plans\.toml:6: unknown field 'agnets'/);
  assert.throws(reading(good.replace('agents = 1\n', '')), /plan 'a' lacks agents/);
  assert.throws(reading(`${good}agents = 2\n`), /:9: agents is given twice/);
  assert.throws(reading(good.replace('agents = 1', 'agents = 1, 2')), /:6: expected/);
  assert.throws(reading('# none\n'), /no plans/);
  fs.rmSync(file);
});

test('templates of the build escape values and know every key', () => {
  assert.equal(fill('[[a]] [[&a]] {{a}}', { a: '<&"' }), '&#60;&#38;&#34; <&" {{a}}');
  assert.equal(fill('[[#list]][[item]],[[/list]][[^off]]no[[/off]][[#off]]yes[[/off]]', { list: ['x', 'y'], off: false }), 'x,y,no');
  assert.throws(() => fill('[[nothing]]', {}), /nothing is known as \[\[nothing\]\]/);
});

test("the operator's settings are in the pages, escaped; without them nothing is left of them", async () => {
  const operator = await startSite(dist, {
    name: 'Söhne & <b>Co</b>', supportEmail: 'help@example.com', bookCallUrl: 'https://calls.example.com/?a=1&b=2',
    plausibleDomain: 'example.com', plausibleScript: 'https://plausible.example/js/script.js', logoUrl: '/favicon.svg',
  }, ':root { --accent: #0f766e }');
  try {
    const html = await (await fetch(operator.url)).text();
    assert.match(html, /<title>S(ö|&#246;)hne &#38; &#60;b&#62;Co&#60;\/b&#62;/);
    assert.equal(html.match(/<script/g).length, 1);
    await withPage(async (page) => {
      assert.equal(await page.locator('.brand').textContent(), 'Söhne & <b>Co</b>');
      assert.equal(await page.locator('.brand img').getAttribute('src'), '/favicon.svg');
      assert.ok(await page.locator('a[href="https://calls.example.com/?a=1&b=2"]').count() > 0);
      assert.ok(await page.locator('a[href="mailto:help@example.com"]').count() > 0);
      assert.equal(await page.locator('.button').first().evaluate((one) => getComputedStyle(one).backgroundColor), 'rgb(15, 118, 110)');
    }, { url: operator.url });
  } finally {
    await operator.close();
  }
  const plain = await (await fetch(site.url)).text();
  assert.doesNotMatch(plain, /<script|mailto:|Book a call|\{\{/);
});

test('the description for search engines and for links is whole', async () => {
  const sitemap = await (await fetch(`${site.url}/sitemap.xml`)).text();
  assert.deepEqual([...sitemap.matchAll(/<loc>([^<]+)<\/loc>/g)].map((found) => found[1]), [`${site.url}/`]);
  assert.match(await (await fetch(`${site.url}/robots.txt`)).text(), new RegExp(`^Sitemap: ${site.url}/sitemap.xml$`, 'm'));
  await withPage(async (page) => {
    const content = (property) => page.locator(`meta[property="og:${property}"], meta[name="${property}"]`).first().getAttribute('content');
    assert.equal(await page.locator('link[rel=canonical]').getAttribute('href'), `${site.url}/`);
    assert.ok((await content('description')).length > 50);
    const picture = Buffer.from(await (await fetch(await content('image'))).arrayBuffer());
    assert.equal(picture.toString('latin1', 1, 4), 'PNG');
    assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [1200, 630]);
    assert.ok(picture.length < 300_000);
  });
});

test('the pages claim nothing that the documentation says is missing', () => {
  const folder = path.join(root, 'docs/security');
  const text = fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), 'utf8')).join('\n');
  const missing = /rate limits[^.\n]*not enforced|Rate limits and the spend cap\*\* are stored/i.test(text);
  if (missing) assert.deepEqual({ rateLimits: claims.rateLimits, spendCap: claims.spendCap }, { rateLimits: false, spendCap: false });
  if (/21 \|[^\n]*nothing yet/.test(text)) assert.equal(claims.spendCap, false);
  if (!/held until a person|waits? for a person|approval/i.test(text)) assert.equal(claims.approvals, false);
  const html = source('/');
  assert.equal(/In preparation/.test(html), !Object.values(claims).every(Boolean));
});
