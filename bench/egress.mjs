// ./dev bench egress: our way out beside interceptors (squid, mitmproxy, http-mitm-proxy) and HAProxy as a
// reverse proxy, in one run, against one origin, each pinned to one core while load and origin have another.
//
//   node bench/egress.mjs OUT.json [--seconds 5] [--rounds 3] [--only ours,squid,…] [--skip idle,opens,…]
//
// Prints every figure of every server, then the targets; writes the targets to OUT.json and the figures to
// OUT-figures.json.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { makeAuthority } from '../tests/fakes/authority.mjs';
import { startEchoOrigin } from '../tests/fakes/echo_origin.mjs';
import { root } from '../tests/e2e/harness.mjs';
import { diskSync, LOAD_CORE, loadProgram, measure, measureIdle, pin, PROXY_CORE } from './egress_measure.mjs';
import { startNginx } from './egress_nginx.mjs';
import { startOurs } from './egress_ours.mjs';
import { judge } from './egress_targets.mjs';
import { median, pssMb, report } from './harness.mjs';
import { makeFolder } from './peers/program.mjs';

const IDLE = 1000;
const MIB = 1 << 20;
const PEERS = ['squid', 'mitmproxy', 'http-mitm-proxy', 'haproxy'];

const loads = {
  requests1: { mode: 'requests', connections: 1, path: '/1k' },
  requests16: { mode: 'requests', connections: 16, path: '/1k' },
  requests128: { mode: 'requests', connections: 128, path: '/1k' },
  opens: { mode: 'opens', connections: 16, path: '/1k' },
  download: { mode: 'requests', connections: 4, path: '/1m' },
  upload: { mode: 'requests', connections: 4, path: '/sink', upload: MIB },
  events: { mode: 'events', connections: 16, path: '/sse?events=0&every=10' },
};

const { values: options, positionals: [out] } = parseArgs({ allowPositionals: true, options: {
  seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '3' },
  only: { type: 'string' }, skip: { type: 'string', default: '' } } });
const wanted = (name) => !options.only || options.only.split(',').includes(name);
const skipped = new Set(options.skip.split(','));
const program = loadProgram(root);
const port = 20000 + Math.floor(Math.random() * 10000);

// Every server by name, started and pinned; `direct` is the origin itself.
async function startServers(ca, originPort, stops) {
  const servers = [{ name: 'direct', port: originPort, pids: [], host: 'localhost', caFile: ca.certFile }];
  const add = (name, started, atPort) => {
    stops.unshift(started.stop);
    pin(started.pids, PROXY_CORE);
    const host = started.host ?? 'localhost';
    servers.push({ caFile: ca.certFile, ...started, port: started.port ?? atPort, name, host,
      tunnel: started.direct ? undefined : `${host}:${originPort}` });
  };
  const ours = wanted('ours') ? await startOurs(ca, originPort) : undefined;
  if (ours) add('ours', ours);
  for (const [n, name] of PEERS.filter(wanted).entries()) {
    const { start } = await import(`./peers/${name}/start.mjs`);
    add(name, await start(port + 10 + n, ca, originPort), port + 10 + n);
  }
  return servers;
}

// A server that cannot do a load (too slow, or it breaks) has no figure for it.
async function attempt(name, act) {
  try {
    return await act();
  } catch (error) {
    console.error(`  ${name}: ${error.message}`);
    return undefined;
  }
}

async function measureAll(servers, originPids) {
  const figures = Object.fromEntries(servers.map(({ name }) => [name, {}]));
  for (const server of servers.filter(({ name }) => name !== 'direct' && !skipped.has('idle'))) {
    if (server.workerPid) figures[server.name].worker = pssMb(server.workerPid);
    figures[server.name].idle = await attempt(server.name, () => measureIdle(program, server, IDLE));
  }
  for (const [load, settings] of Object.entries(loads).filter(([name]) => !skipped.has(name))) {
    const runs = Object.fromEntries(servers.map(({ name }) => [name, []]));
    for (let round = 0; round < Number(options.rounds); ++round) {
      for (const server of servers) {
        // A peer that failed once is not asked again.
        if (runs[server.name].length < round) continue;
        // What a load left for the database to do must not run beside the next one.
        for (const { settled } of servers) await settled?.();
        const run = await attempt(server.name, () => measure(program, server, { ...settings, seconds: options.seconds }, originPids));
        if (run) runs[server.name].push(run);
      }
    }
    for (const { name } of servers) if (runs[name].length > 0) figures[name][load] = middle(runs[name]);
  }
  return figures;
}

// The median of each number by itself; failures are added up.
function middle(runs) {
  const fields = ['perSecond', 'mbPerSecond', 'cpu', 'p50', 'p90', 'p99', 'loadBusy'];
  return { ...Object.fromEntries(fields.map((field) => [field, median(runs.map((run) => run[field]))])),
    failures: runs.reduce((sum, run) => sum + run.failures, 0) };
}

const columns = [
  ['1 conn p50 µs', (f) => f.requests1?.p50], ['16: req/s', (f) => f.requests16?.perSecond], ['CPU µs', (f) => f.requests16?.cpu],
  ['p99 µs', (f) => f.requests16?.p99], ['128: req/s', (f) => f.requests128?.perSecond], ['CPU µs', (f) => f.requests128?.cpu],
  ['opens/s', (f) => f.opens?.perSecond], ['CPU µs', (f) => f.opens?.cpu], ['down MB/s', (f) => f.download?.mbPerSecond],
  ['up MB/s', (f) => f.upload?.mbPerSecond], ['SSE p50 µs', (f) => f.events?.p50], ['p99 µs', (f) => f.events?.p99],
  ['CPU µs', (f) => f.events?.cpu], ['idle KiB', (f) => f.idle?.kib], ['held', (f) => f.idle?.held], ['base MB', (f) => f.idle?.base],
  ['failures', (f) => Object.values(f).reduce((sum, part) => sum + (part?.failures ?? 0), 0)],
];

function printFigures(figures) {
  const show = (value) => (value === undefined ? '-' : value < 100 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value)));
  const line = (name, cells) => console.log('  ' + name.padEnd(16) + cells.map((cell, n) => cell.padStart(columns[n][0].length + 2)).join(''));
  line('', columns.map(([title]) => title));
  for (const [name, figure] of Object.entries(figures)) line(name, columns.map(([, value]) => show(value(figure))));
}

// Rates are the server's own only while load and origin have time to spare.
function warnOfFullLoad(figures) {
  for (const [name, figure] of Object.entries(figures).filter(([server]) => server !== 'direct')) {
    const full = Object.keys(loads).filter((load) => figure[load]?.loadBusy > 0.9);
    if (full.length > 0) console.log(`  ${name}: load and origin filled their core in ${full.join(', ')}: the rate may be theirs`);
  }
}

const stops = [];
try {
  const ca = makeAuthority(makeFolder('authority'));
  stops.push(() => fs.rmSync(ca.dir, { recursive: true }));
  pin([process.pid], LOAD_CORE);   // this program is the origin of the events
  const events = await startEchoOrigin({});
  stops.unshift(events.close);
  const origin = await startNginx(makeFolder('nginx'), { port, plainPort: port + 1, ca, eventsPort: events.port });
  stops.unshift(origin.stop);
  pin(origin.pids, LOAD_CORE);
  const figures = await measureAll(await startServers(ca, port, stops), origin.pids);
  printFigures(figures);
  if (wanted('ours') && !skipped.has('requests1')) {
    console.log(`  a write and its sync on this disk: ${diskSync(path.join(root, 'build')).toFixed(0)} µs (p50); a request of ours that comes alone waits for one`);
  }
  const rows = judge(figures, ['idle', ...Object.keys(loads)].filter((name) => !skipped.has(name)));
  warnOfFullLoad(figures);
  if (rows.length === 0) console.log('  no egress of ours was measured: no targets to judge');
  if (out) {
    fs.mkdirSync(path.dirname(path.resolve(out)), { recursive: true });
    report(out, rows);
    fs.writeFileSync(out.replace(/(\.json)?$/, '-figures.json'), JSON.stringify(figures, null, 2) + '\n');
  }
} finally {
  for (const stop of stops) await stop();
}
