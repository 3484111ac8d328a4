// Usage: node scripts/build.mjs [--no-check]
//
// Makes web/dist: types from the OpenAPI file, strict type check, the app by Vite, the landing page by
// its own script, a brotli and a gzip copy of every file that gets smaller, then the size budget.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';

const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dist = path.join(web, 'dist');
const run = (command, ...arguments_) => {
  const { status } = spawnSync(command, arguments_, { cwd: web, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
const tool = (name) => path.join(web, 'node_modules/.bin', name);

function* filesUnder(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(full);
    else yield full;
  }
}

function compress(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.length < 256 || !/\.(html|js|mjs|css|svg|json|xml|txt|map|webmanifest)$/.test(file)) return;
  // The server fills {{…}} in at its start, and makes the copies itself then.
  if (/\.(html|xml|txt|webmanifest)$/.test(file) && bytes.includes('{{')) return;
  const copies = {
    '.br': zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } }),
    '.gz': zlib.gzipSync(bytes, { level: 9 }),
  };
  for (const [suffix, smaller] of Object.entries(copies)) {
    if (smaller.length < bytes.length) fs.writeFileSync(file + suffix, smaller);
  }
}

run(process.execPath, 'scripts/schema.mjs');
if (!process.argv.includes('--no-check')) run(tool('tsc'), '--noEmit');
run(tool('vite'), 'build', '--logLevel', 'warn');
const landing = path.join(web, 'landing/build.mjs');
if (fs.existsSync(landing)) run(process.execPath, landing);
for (const file of [...filesUnder(dist)]) {
  if (!/\.(br|gz)$/.test(file)) compress(file);
}
run(process.execPath, 'scripts/budget.mjs');
