// Usage: node landing/preview/make.mjs
//
// Draws the pictures that are committed: preview.png (what a link to the site shows, 1200 × 630, without
// a name, so that it fits every operator) and static/apple-touch-icon.png. Needs Debian's chromium.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));
const landing = path.dirname(here);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

async function draw(viewport, target, prepare) {
  const page = await browser.newPage({ viewport });
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
await browser.close();
