// Usage: node tests/web/screens.mjs FOLDER
//
// Starts a platform, fills it with example data and writes a picture of every page: light, dark and
// 390 px wide; pages whose calls a server may lack are shown with a played one. See ./dev screens.
// With --played only these, without a platform.

import fs from 'node:fs';
import path from 'node:path';

import { comingPages, tellAll } from './coming_data.mjs';
import { pages } from './pages.mjs';
import { Played } from './played.mjs';
import { Site, sleep } from './browser.mjs';

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

if (only !== '--played') await ofPlatform();
await ofPlayed();
console.log(`pictures in ${folder}`);
