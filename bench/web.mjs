// ./dev bench web: the built pages as the api process serves them, against nginx with the same files
// on the same machine, one worker each: requests for each second of CPU. Both send what the build
// compressed beforehand.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Platform, root } from '../tests/e2e/harness.mjs';
import { load, median, report } from './harness.mjs';
import { installPackages } from './peers/packages.mjs';
import { startProgram } from './peers/program.mjs';

const SECONDS = 5;
const ROUNDS = 3;
const dist = path.join(root, 'web/dist');
if (!fs.existsSync(path.join(dist, 'app.html'))) throw new Error('build the pages first: ./dev build web');

const biggest = fs.readdirSync(path.join(dist, 'assets')).filter((name) => name.endsWith('.js'))
  .map((name) => ({ name, size: fs.statSync(path.join(dist, 'assets', name)).size }))
  .sort((a, b) => b.size - a.size)[0].name;
const pages = [
  { title: 'app.html', path: '/app.html', headers: { 'Accept-Encoding': 'gzip' } },
  { title: 'the largest script', path: `/assets/${biggest}`, headers: { 'Accept-Encoding': 'gzip' } },
  { title: 'app.html, not changed (304)', path: '/app.html', headers: {}, revalidate: true }];

async function startPeer() {
  installPackages(['nginx-light'], ['nginx']);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'deployclaw-bench-web-'));
  const port = 20000 + Math.floor(Math.random() * 20000);
  const files = path.join(dir, 'files');
  fs.cpSync(dist, files, { recursive: true });
  // What the api process makes at start, nginx needs as files.
  execFileSync('sh', ['-c', `find ${files} -type f \\( -name '*.html' -o -name '*.js' -o -name '*.css' \\) -exec gzip -9kf {} +`]);
  fs.writeFileSync(path.join(dir, 'nginx.conf'), `
daemon off;
master_process off;
user root;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log crit;
events { worker_connections 1024; }
http {
  access_log off;
  types { text/html html; text/javascript js; text/css css; image/svg+xml svg; }
  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000;
  open_file_cache_valid 60s;
  keepalive_requests 100000000;
  gzip_static on;
  add_header X-Content-Type-Options nosniff;
  add_header X-Frame-Options DENY;
  add_header Referrer-Policy same-origin;
  add_header Content-Security-Policy "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:";
  server { listen 127.0.0.1:${port} backlog=1024; root ${files}; }
}
`);
  const peer = await startProgram('/usr/sbin/nginx', ['-p', dir, '-c', `${dir}/nginx.conf`], { port, dir });
  return { ...peer, url: `http://127.0.0.1:${port}` };
}

const platform = new Platform(path.join(root, 'build/bench-home'));
await platform.start();
let peer;
try {
  peer = await startPeer();
  const targets = [{ name: 'ours', url: platform.url, pid: platform.pid('api') },
    { name: 'peer', url: peer.url, pid: peer.pids[0] }];
  const rows = [];
  for (const page of pages) {
    const runs = { ours: [], peer: [] };
    for (let round = 0; round < ROUNDS; ++round) {
      for (const target of targets) {
        const headers = { ...page.headers };
        if (page.revalidate) {
          headers['If-None-Match'] = (await fetch(target.url + page.path, { headers: { 'Accept-Encoding': 'identity' } })).headers.get('etag');
        }
        runs[target.name].push(load(target.url + page.path, target.pid, { connections: 32, seconds: SECONDS, headers }));
      }
    }
    const perCore = (name) => 1e6 / median(runs[name].map((r) => r.cpuPerRequest));
    const ratio = perCore('ours') / perCore('peer');
    rows.push({ metric: `${page.title}: requests per second of one core`, ours: perCore('ours'), peer: perCore('peer'),
      ratio, target: '>= 0.8', holds: ratio >= 0.8 });
  }
  report(process.argv[2], rows);
} finally {
  await peer?.stop();
  await platform.stop();
}
