// A window of Debian's Chromium before a page of the dashboard, and what the tests look for in it.

import assert from 'node:assert/strict';

import axe from '../../web/node_modules/axe-core/axe.js';
import { chromium } from '../../web/node_modules/playwright-core/index.mjs';

export const startChromium = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

// A window of its own, with its own cookies. `faults` collects what no page may do: script errors, and
// what the content security policy had to stop. `open` goes to an address of the app.
export async function openWindow(browser, url, { width = 1200, height = 860, colorScheme = 'light', ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, ...more });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to|Warning:|validateDOMNesting/.test(message.text())) page.faults.push(message.text());
  });
  page.on('dialog', (dialog) => { page.faults.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
  page.open = (target) => page.goto(`${url}/app${target}`);
  page.done = () => context.close();
  return page;
}

// Serious and critical findings of axe on the page as it is once nothing moves.
export async function findings(page) {
  await page.waitForFunction(() => document.getAnimations().every((one) => one.playState === 'finished' || one.effect?.getTiming().iterations === Infinity));
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => {
      const places = one.nodes.slice(0, 3).map((node) => `${node.target} (${node.any.map((any) => any.message).join('; ')})`);
      return `${one.id}: ${places.join(' | ')}`;
    });
  });
}

// By how many pixels something sticks out at the side.
export async function sideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

// What the page lets the browser save when `act` is done: {name, text}.
export async function saved(page, act) {
  const [file] = await Promise.all([page.waitForEvent('download'), act()]);
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  return { name: file.suggestedFilename(), text: Buffer.concat(chunks).toString() };
}

// Closes a window in which nothing went wrong and no hostile text became an image.
export async function end(page) {
  assert.deepEqual(page.faults, []);
  assert.equal(await page.locator('main img, dialog img').count(), 0);
  await page.done();
}
