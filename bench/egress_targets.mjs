// What our egress must reach, from the figures of one run. Times in µs, memory in KiB or MB.

import { atMost } from './harness.mjs';

// A row whose ratio ours/peer must be at least `least`.
function atLeast(metric, ours, peer, least) {
  const ratio = ours / peer;
  return { metric, ours, peer, ratio, target: `>= ${least}`, holds: ratio >= least };
}

// A row with a limit instead of a peer.
function within(metric, ours, limit) {
  return { metric, ours, peer: limit, ratio: limit === 0 ? ours : ours / limit, target: `<= ${limit}`, holds: ours <= limit };
}

const INTERCEPTORS = ['squid', 'mitmproxy', 'http-mitm-proxy'];

// Rows for the `loads` that were run. A peer that was left out has no row; a figure that is missing
// because its server broke misses its target.
export function judge(figures, loads) {
  const { ours, squid, haproxy, direct } = figures;
  if (!ours) return [];
  const mitm = figures['http-mitm-proxy'];
  // Below a microsecond nothing can be told: two delays that are lost in direct's own noise are alike.
  const added = (server, load, field) => Math.max(1, server?.[load]?.[field] - direct?.[load]?.[field]);
  const opens = (name) => figures[name].opens.perSecond;
  const best = INTERCEPTORS.filter((name) => figures[name]?.opens).sort((a, b) => opens(b) - opens(a))[0] ?? 'no interceptor';
  const failures = Object.values(ours).reduce((sum, part) => sum + (part?.failures ?? 0), 0);
  // [load, peers, row]
  const rows = [
    ['requests16', ['squid'], atMost('small GET, 16 connections: CPU per request, beside squid', ours.requests16?.cpu, squid?.requests16?.cpu, 0.6)],
    ['requests128', ['squid'], atMost('small GET, 128 connections: CPU per request, beside squid', ours.requests128?.cpu, squid?.requests128?.cpu, 0.6)],
    ['requests1', ['squid'], atMost('small GET, 1 connection: added p50, beside squid', added(ours, 'requests1', 'p50'), added(squid, 'requests1', 'p50'), 1)],
    ['requests128', [], atLeast('small GET: requests/s of 128 connections, beside 16', ours.requests128?.perSecond, ours.requests16?.perSecond, 0.9)],
    ['opens', [best], atLeast(`new connections/s, beside the best interceptor (${best})`, ours.opens?.perSecond, figures[best]?.opens.perSecond, 2)],
    ['opens', ['http-mitm-proxy'], atMost('new connection: CPU, beside http-mitm-proxy', ours.opens?.cpu, mitm?.opens?.cpu, 0.5)],
    ['download', ['squid'], atLeast('1 MiB download: MB/s, beside squid', ours.download?.mbPerSecond, squid?.download?.mbPerSecond, 1.5)],
    ['upload', ['squid'], atLeast('1 MiB upload: MB/s, beside squid', ours.upload?.mbPerSecond, squid?.upload?.mbPerSecond, 1.5)],
    ['events', ['squid'], atMost('SSE, 16 streams: added delay p50, beside squid', added(ours, 'events', 'p50'), added(squid, 'events', 'p50'), 1)],
    ['events', [], within('SSE, 16 streams: p99 over direct', added(ours, 'events', 'p99'), 1000)],
    ['events', ['haproxy'], atMost('SSE: CPU per event, beside HAProxy', ours.events?.cpu, haproxy?.events?.cpu, 1.5)],
    ['idle', [], within('idle intercepted connection: KiB', ours.idle?.kib, 25)],
    ['idle', [], atLeast('idle connections held, of 1000', ours.idle?.held, 1000, 1)],
    ['requests16', [], within('failures of ours', failures, 0)],
    ['idle', [], within('idle worker: PSS in MB', ours.worker, 3)],
  ];
  return rows.filter(([load, peers]) => loads.includes(load) && peers.every((name) => figures[name])).map(([, , row]) => row);
}
