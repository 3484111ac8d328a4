// Usage: node tests/web/screens.mjs FOLDER
//
// Starts a platform, fills it with example data and writes a picture of every page: light, dark and
// 390 px wide. See ./dev screens.

import fs from 'node:fs';
import path from 'node:path';

import { pages } from './pages.mjs';
import { Site, sleep } from './browser.mjs';

const [folder = 'var/screens'] = process.argv.slice(2);
fs.mkdirSync(folder, { recursive: true });
const site = await new Site().start();
try {
  const customer = await site.customer();
  const known = { agent: await customer.deploy('Inbox assistant', { print: 'connected to the mailbox', printCount: 4 },
    { permissions: { scopes: ['email:read', 'email:send', 'files:read', 'files:write'], approval: ['email:send'], maxDailyTokenSpend: 5 } }) };
  await customer.verdict(known.agent);
  const failing = await customer.deploy('Night watch', { exitCode: 78, exitAfterMs: 1000 });
  await customer.verdict(failing);
  for (const [look, options] of Object.entries({ light: {}, dark: { colorScheme: 'dark' }, narrow: { width: 390, height: 844 } })) {
    for (const entry of pages) {
      const page = await site.window({ ...options, customer: entry.signedOut ? undefined : customer });
      await page.open(entry.path(known));
      await entry.ready(page, known);
      await page.evaluate(() => window.scrollTo(0, 0));
      await sleep(400);
      await page.screenshot({ path: path.join(folder, `${entry.name}-${look}.png`), fullPage: true });
      await page.done();
    }
  }
  console.log(`${pages.length * 3} pictures in ${folder}`);
} finally {
  await site.stop();
}
