// Usage: node landing/build.mjs [OUT]
//
// Makes the static pages (landing, waitlist, 404, legal) from web/landing and the catalogue into OUT
// (default web/dist): HTML without scripts, one style sheet and the pictures under assets/, named by
// their content, so that they can be kept for ever. No packages: Node's own modules.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { claims } from './claims.mjs';
import { fill } from './fill.mjs';
import { readPlans, readServices } from './plans.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const catalogue = path.resolve(here, '../../catalog');
const read = (...names) => fs.readFileSync(path.join(here, ...names), 'utf8');
const namesIn = (folder) => fs.readdirSync(path.join(here, folder)).sort();

// Comments and indentation are for the source's readers.
const slim = (css) => css.replace(/\/\*[^]*?\*\//g, '').replace(/^\s+/gm, '').replace(/\n{2,}/g, '\n');

function partials(values) {
  const parts = {};
  for (const folder of ['partials', 'pictures']) {
    for (const file of namesIn(folder)) {
      parts[path.parse(file).name.replaceAll('-', '_')] = fill(read(folder, file), values);
    }
  }
  return parts;
}

function pagesIn(folder = '') {
  return fs.readdirSync(path.join(here, 'pages', folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    return entry.isDirectory() ? pagesIn(name) : [name];
  });
}

// A page begins with a comment that holds its title, description and layout as JSON.
function renderPage(name, values, layouts) {
  const source = read('pages', name);
  const [comment, json] = source.match(/^<!--(\{[^]*?\})-->\n/) ?? [];
  if (!comment) throw new Error(`pages/${name}: does not begin with <!--{…}-->`);
  const head = { index: true, layout: 'page', ...JSON.parse(json) };
  const route = name === 'index.html' ? '/' : `/${name.replace(/\.html$/, '')}`;
  const body = fill(source.slice(comment.length), values);
  const page = { ...values, ...head, path: route, body };
  return { name, route, index: head.index, html: fill(layouts[head.layout], page) };
}

export function build(out = path.resolve(here, '../dist')) {
  fs.mkdirSync(path.join(out, 'assets'), { recursive: true });
  const asset = (name, bytes) => {
    const { name: stem, ext } = path.parse(name);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
    const target = `/assets/${stem}-${hash}${ext}`;
    fs.writeFileSync(path.join(out, target), bytes);
    return target;
  };

  const plans = readPlans(path.join(catalogue, 'plans.toml'));
  const values = {
    ...claims,
    plans,
    services: readServices(path.join(catalogue, 'services')),
    styles: asset('landing.css', slim(namesIn('styles').map((name) => read('styles', name)).join('\n'))),
    preview: asset('preview.png', fs.readFileSync(path.join(here, 'preview.png'))),
  };
  Object.assign(values, partials(values));
  const layouts = Object.fromEntries(namesIn('layouts').map((name) => [path.parse(name).name, read('layouts', name)]));
  const pages = pagesIn().map((name) => renderPage(name, values, layouts));
  for (const page of pages) {
    fs.mkdirSync(path.dirname(path.join(out, page.name)), { recursive: true });
    fs.writeFileSync(path.join(out, page.name), page.html);
  }
  for (const folder of ['static', '../public']) fs.cpSync(path.join(here, folder), out, { recursive: true });
  const routes = pages.filter((page) => page.index).map((page) => `  <url><loc>{{origin}}${page.route}</loc></url>\n`);
  fs.writeFileSync(path.join(out, 'sitemap.xml'), '<?xml version="1.0" encoding="UTF-8"?>\n'
    + `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${routes.join('')}</urlset>\n`);
  return pages.map((page) => page.route);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const routes = build(process.argv[2] && path.resolve(process.argv[2]));
  console.log(`landing: ${routes.length} pages`);
}
