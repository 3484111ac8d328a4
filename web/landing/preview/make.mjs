// Usage: node landing/preview/make.mjs
//
// Draws the pictures that are committed: preview.png (what a link to the site shows, 1200 × 630, without
// a name, so that it fits every operator), static/apple-touch-icon.png, and the landing page as README.md
// shows it. Needs Debian's chromium and, for the same letters, fonts-inter.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

import { startSite } from '../../../tests/web/static_site.mjs';
import { build } from '../build.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const landing = path.dirname(here);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

async function draw(viewport, target, prepare, options = {}) {
  const page = await browser.newPage({ viewport, ...options });
  await prepare(page);
  await page.screenshot({ path: path.join(landing, target) });
  await page.close();
}

await draw({ width: 1200, height: 630 }, 'preview.png', (page) => page.goto(pathToFileURL(path.join(here, 'preview.html')).href));
const icon = fs.readFileSync(path.join(landing, '../public/favicon.svg'), 'utf8').replace(' rx="8"', '');
await draw({ width: 180, height: 180 }, 'static/apple-touch-icon.png', async (page) => {
  await page.setContent(icon.replace('<svg ', '<svg width="180" height="180" '));
  await page.addStyleTag({ content: 'body{margin:0}svg{display:block}' });
});

const dist = fs.mkdtempSync(path.join(os.tmpdir(), 'landing-'));
build(dist);
const site = await startSite(dist);
for (const colorScheme of ['light', 'dark']) {
  await draw({ width: 1360, height: 1180 }, `../../docs/images/landing-${colorScheme}.png`, (page) => page.goto(site.url), { colorScheme, reducedMotion: 'reduce' });
}
await site.close();
fs.rmSync(dist, { recursive: true });
await browser.close();
