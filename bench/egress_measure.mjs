// What the egress bench measures with: process trees (their CPU and memory, pinned to a core) and runs of
// the load generator.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

import { median, pssMb } from './harness.mjs';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']).toString());

// The server alone on one core; origin and load share the other.
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// The fields of /proc/PID/stat after the name, from the state on; undefined when it is gone.
function statOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

// `pids` and all their descendants.
export function tree(pids) {
  const parents = new Map();
  for (const name of fs.readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(name) : undefined;
    if (stat) parents.set(Number(name), Number(stat[1]));
  }
  const found = new Set(pids);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found].filter((pid) => parents.has(pid));
}

// User and system time of a tree in seconds, with that of children that ended and were waited for.
export function treeCpu(pids) {
  return tree(pids).map(statOf).filter(Boolean)
    .reduce((sum, stat) => sum + stat.slice(11, 15).reduce((a, b) => a + Number(b), 0), 0) / TICKS;
}

function ownCpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

export const treePss = (pids) => tree(pids).reduce((sum, pid) => sum + pssMb(pid), 0);

// Every thread of a tree onto one core; what it starts later inherits that.
export function pin(pids, core) {
  for (const pid of tree(pids)) execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' });
}

// A started load run: {go(): result, end()}; by then all its connections stand. `server` is what it talks to:
// {port, tunnel (authority for CONNECT, or none), host, caFile}.
async function prepare(program, server, { mode, connections, seconds, path: target, upload }) {
  const options = { port: server.port, tunnel: server.tunnel, host: server.host, ca: server.caFile, connections, seconds,
    path: target, upload, address: server.address, header: server.header };
  const words = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
  // Ours knows whom it serves by the network they are in.
  const inside = server.networkOf ? ['nsenter', '-t', String(server.networkOf), '-n'] : [];
  const child = spawn('taskset', ['-c', String(LOAD_CORE), ...inside, program, mode, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => { errors += data; });
  child.stdin.on('error', () => {});
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${mode} on ${server.name}: ${errors.trim() || 'the load ended early'}`);
    return value;
  };
  await line();
  return {
    pid: child.pid,
    go: async () => {
      child.stdin.write('go\n');
      return JSON.parse(await line());
    },
    end: () => child.kill(),
  };
}

// Runs a load; its result with the CPU that `server.pids` took per request, in µs, and the part of a core
// that load and origin (`originPids` and this program) were busy.
export async function measure(program, server, load, originPids = []) {
  const run = await prepare(program, server, load);
  try {
    const before = treeCpu(server.pids);
    const busyBefore = treeCpu(originPids) + ownCpu();
    const result = await run.go();
    const used = treeCpu(server.pids) - before;
    const busy = (treeCpu(originPids) + ownCpu() - busyBefore) / result.seconds + result.busy;
    if (result.requests === 0) throw new Error(`${load.mode} on ${server.name}: no answer in ${result.seconds} s (${result.failure})`);
    return { ...result, loadBusy: busy, cpu: (used * 1e6) / result.requests, mbPerSecond: (result.requests * (load.upload ?? 0) + result.bytes) / result.seconds / 1e6 };
  } finally {
    run.end();
  }
}

// Holds `connections` that had one answer each; answers KiB of PSS for each and how many still answered
// at the end.
export async function measureIdle(program, server, connections) {
  await measure(program, server, { mode: 'requests', connections: 1, seconds: 1, path: '/1k' });
  await sleep(1000);
  const before = treePss(server.pids);
  const run = await prepare(program, server, { mode: 'idle', connections, seconds: 60, path: '/1k' });
  try {
    await sleep(1500);
    const after = treePss(server.pids);
    const result = await run.go();
    return { base: before, kib: ((after - before) * 1024) / connections, held: result.requests };
  } finally {
    run.end();
  }
}

// What the disk below `folder` takes for a write of 4 KiB into written room and its sync: the median, in µs.
export function diskSync(folder, times = 500) {
  const file = path.join(folder, 'disk-sync');
  const block = Buffer.alloc(4096, 1);
  const handle = fs.openSync(file, 'w');
  try {
    fs.writeSync(handle, Buffer.alloc(times * block.length));
    fs.fsyncSync(handle);
    const took = [];
    for (let n = 0; n < times; ++n) {
      const begin = process.hrtime.bigint();
      fs.writeSync(handle, block, 0, block.length, n * block.length);
      fs.fdatasyncSync(handle);
      took.push(Number(process.hrtime.bigint() - begin) / 1000);
    }
    return median(took);
  } finally {
    fs.closeSync(handle);
    fs.rmSync(file);
  }
}

export function loadProgram(root) {
  const program = path.join(root, 'build/release/bench/egress_load');
  if (!fs.existsSync(program)) throw new Error(`${program} is not built: ninja -C build/release egress_load`);
  return program;
}
