// axe finds nothing serious or critical on any page, light and dark, wide and narrow; and no page asks
// another host for anything.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { findings, sideways, Site, until } from './browser.mjs';
import { pages } from './pages.mjs';

const site = new Site();
let customer;
let known;

before(async () => {
  await site.start();
  customer = await site.customer();
  known = { agent: await customer.deploy('Inbox assistant', {}, { permissions: { scopes: ['email:read', 'files:read'], maxDailyTokenSpend: 5 } }) };
  await customer.verdict(known.agent);
});
after(async () => assert.equal(await site.stop(), 0));

for (const look of [{ colorScheme: 'light', width: 1200 }, { colorScheme: 'dark', width: 1200 }, { colorScheme: 'dark', width: 390 }]) {
  test(`every page, ${look.colorScheme}, ${look.width} px wide`, async () => {
    const strange = [];
    const windows = new Map();
    // One window for whoever is signed in and one for whoever is not: what they have loaded is not loaded again.
    const windowFor = async (signedOut) => {
      if (!windows.has(signedOut)) {
        const page = await site.window({ ...look, customer: signedOut ? undefined : customer });
        page.on('request', (request) => {
          const url = new URL(request.url());
          if (url.protocol !== 'data:' && url.protocol !== 'blob:' && url.origin !== site.url) strange.push(request.url());
        });
        windows.set(signedOut, page);
      }
      return windows.get(signedOut);
    };
    for (const entry of pages) {
      const page = await windowFor(entry.signedOut ?? false);
      await page.open(entry.path(known));
      await entry.ready(page, known);
      await until(`${entry.name} is still`, () => page.evaluate(() => document.getAnimations().every((one) => one.playState === 'finished' || one.effect?.getTiming().iterations === Infinity)), 5);
      assert.deepEqual(await findings(page), [], entry.name);
      assert.equal(await sideways(page), 0, `${entry.name} sticks out`);
      assert.deepEqual(strange, [], `${entry.name} asks another host`);
      assert.deepEqual(page.faults, [], entry.name);
    }
    for (const page of windows.values()) await page.done();
  });
}
