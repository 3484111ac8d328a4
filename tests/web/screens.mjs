// Usage: node tests/web/screens.mjs FOLDER
//
// Starts a platform, fills it with example data and writes a picture of every page, wide and 390 px
// wide, light and dark; the walk of a first time, with what it asks of a person; pages whose calls a
// server may lack, and states that are hard to reach, with a played one; the static pages. See ./dev
// screens. With --played no platform is started, with --states only the states and static pages are
// made, with --first-time only the walk.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { comingPages, tellAll } from './coming_data.mjs';
import { firstTime, tableOf } from './first_time.mjs';
import { pages } from './pages.mjs';
import { Played } from './played.mjs';
import { Site, sleep } from './browser.mjs';
import { openState, states } from './states.mjs';
import { startSite } from './static_site.mjs';
import { openWindow, startChromium } from './window.mjs';

const NARROW = { width: 390, height: 844 };
const LOOKS = { light: {}, dark: { colorScheme: 'dark' }, narrow: NARROW, 'narrow-dark': { ...NARROW, colorScheme: 'dark' } };
const [folder = 'var/screens', only] = process.argv.slice(2);
fs.mkdirSync(folder, { recursive: true });

async function picture(page, name, dialog) {
  await page.evaluate(() => window.scrollTo(0, 0));
  await sleep(400);
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: !dialog });
}

async function ofPlatform() {
  const site = await new Site().start();
  try {
    for (const look of ['light', 'narrow-dark']) {
      const steps = await firstTime(site, LOOKS[look], (page, name) => picture(page, `${name}-${look}`));
      if (look === 'light') console.log(tableOf(steps));
    }
    if (only === '--first-time') return;
    const customer = await site.customer();
    const known = { agent: await customer.deploy('Inbox assistant', { print: 'connected to the mailbox', printCount: 4 },
      { permissions: { scopes: ['email:read', 'email:send', 'files:read', 'files:write'], approval: ['email:send'], maxDailyTokenSpend: 5 } }) };
    await customer.verdict(known.agent);
    const failing = await customer.deploy('Night watch', { exitCode: 78, exitAfterMs: 1000 });
    await customer.verdict(failing);
    for (const [look, options] of Object.entries(LOOKS)) {
      for (const entry of pages) {
        const page = await site.window({ ...options, customer: entry.signedOut ? undefined : customer });
        await page.open(entry.path(known));
        await entry.ready(page, known);
        await picture(page, `${entry.name}-${look}`);
        await page.done();
      }
    }
  } finally {
    await site.stop();
  }
}

async function ofPlayed() {
  const played = await new Played().start();
  try {
    tellAll(played);
    const { session } = played;
    for (const [look, options] of Object.entries(LOOKS)) {
      for (const entry of comingPages) {
        played.session = entry.signedOut ? null : session;
        const page = await played.window(options);
        await page.open(entry.path);
        await entry.ready(page);
        await picture(page, `${entry.name}-${look}`, await page.getByRole('dialog').count() > 0);
        await page.done();
      }
    }
  } finally {
    await played.stop();
  }
}

async function ofStates() {
  const played = await new Played().start();
  try {
    for (const [look, options] of Object.entries(LOOKS)) {
      for (const state of states) {
        const page = await openState(played, state, options);
        await picture(page, `${state.name}-${look}`, await page.locator('dialog[open]').count() > 0);
        await page.done();
      }
    }
  } finally {
    await played.stop();
  }
}

const STATIC = { landing: '/', imprint: '/legal/imprint', privacy: '/legal/privacy', terms: '/legal/terms', 'data-processing': '/legal/data-processing', 'waitlist-thanks': '/waitlist-thanks', 'landing-not-found': '/nothing' };

async function ofStatic() {
  const site = await startSite(fileURLToPath(new URL('../../web/dist', import.meta.url)), { supportEmail: 'support@example.com' });
  const chromium = await startChromium();
  try {
    for (const [look, options] of Object.entries(LOOKS)) {
      for (const [name, where] of Object.entries(STATIC)) {
        const page = await openWindow(chromium, site.url, options);
        await page.goto(site.url + where);
        await picture(page, `${name}-${look}`);
        await page.done();
      }
    }
  } finally {
    await chromium.close();
    await site.close();
  }
}

if (!only || only === '--first-time') await ofPlatform();
if (!only || only === '--played') await ofPlayed();
if (only !== '--first-time') {
  await ofStates();
  await ofStatic();
}
console.log(`pictures in ${folder}`);
