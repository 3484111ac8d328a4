// Fails when the app outgrows its budget (gzip): first load 130 kB of script, each lazy route 40 kB,
// all style sheets together 20 kB.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';

const dist = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../dist');
const KB = 1000;
const budget = { initial: 130 * KB, route: 40 * KB, styles: 20 * KB };

const manifest = JSON.parse(fs.readFileSync(path.join(dist, 'manifest.json'), 'utf8'));
const size = (file) => zlib.gzipSync(fs.readFileSync(path.join(dist, file)), { level: 9 }).length;
const show = (bytes) => `${(bytes / KB).toFixed(1)} kB`;

// Every chunk that comes with `key` without a further dynamic import.
function withImports(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const other of manifest[key].imports ?? []) withImports(other, seen);
  return seen;
}

const entries = Object.keys(manifest).filter((key) => manifest[key].isEntry);
const initial = new Set(entries.flatMap((key) => [...withImports(key)]));
const breaks = [];
const check = (what, bytes, limit) => {
  console.log(`  ${show(bytes).padStart(9)} of ${show(limit)}  ${what}`);
  if (bytes > limit) breaks.push(what);
};
const sum = (keys) => [...keys].reduce((total, key) => total + size(manifest[key].file), 0);

check('first load', sum(initial), budget.initial);
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry) continue;
  check(chunk.name ?? key, sum([...withImports(key)].filter((one) => !initial.has(one))), budget.route);
}
const styles = new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? []));
check('style sheets', [...styles].reduce((total, file) => total + size(file), 0), budget.styles);

if (breaks.length > 0) {
  console.error(`over budget: ${breaks.join(', ')}`);
  process.exit(1);
}
