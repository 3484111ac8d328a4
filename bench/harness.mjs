// Shared by the benches: CPU and memory of processes from /proc, load by wrk, the result table.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']).toString());

// User and system time of a process and its threads, in seconds.
export function cpuSeconds(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

// Proportional set size in MB.
export function pssMb(pid) {
  const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(rollup.match(/^Pss:\s+(\d+) kB/m)[1]) / 1024;
}

// Loads `url` with wrk; answers requests, errors, p99 in ms, and `pid`'s CPU per request in µs.
export function load(url, pid, { connections, seconds, headers = {} }) {
  const before = cpuSeconds(pid);
  const out = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency',
    ...Object.entries(headers).flatMap(([k, v]) => ['-H', `${k}: ${v}`]), url]).toString();
  const used = cpuSeconds(pid) - before;
  const requests = Number(out.match(/(\d+) requests in/)[1]);
  const [, value, unit] = out.match(/99%\s+([\d.]+)(us|ms|s)/);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(out);
  if (bad) throw new Error(`${bad[1]} of ${requests} answers from ${url} were errors`);
  return {
    requests,
    perSecond: requests / seconds,
    p99: Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit],
    cpuPerRequest: (used * 1e6) / requests,
  };
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// rows: {metric, ours, peer, ratio, target, holds}. Prints them and writes `file`.
export function report(file, rows) {
  const show = (v) => (typeof v === 'number' ? String(Math.round(v * 100) / 100) : String(v ?? ''));
  for (const row of rows) {
    console.log(`  ${row.metric.padEnd(58)} ours ${show(row.ours).padStart(9)}  peer ${show(row.peer).padStart(9)}` +
      `  ratio ${show(row.ratio).padStart(6)}  target ${row.target.padEnd(8)} ${row.holds ? 'holds' : 'MISSED'}`);
  }
  fs.writeFileSync(file, JSON.stringify(rows, null, 2) + '\n');
}

// A row whose ratio ours/peer must be at most `most`.
export function atMost(metric, ours, peer, most) {
  const ratio = ours / peer;
  return { metric, ours, peer, ratio, target: `<= ${most}`, holds: ratio <= most };
}
