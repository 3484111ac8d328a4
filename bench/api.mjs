// ./dev bench api: GET /api/agents with a session and 20 agents, 32 connections, against Hono 4 and pg
// doing the same work on the same database; and what the idle platform weighs.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { Customer, Platform, root, sleep, until } from '../tests/e2e/harness.mjs';
import { atMost, load, median, pssMb, report } from './harness.mjs';

const SECONDS = 8;
const ROUNDS = 3;
const peerFolder = path.join(root, 'bench/peers/hono');

const platform = new Platform(path.join(root, 'build/bench-home'));
await platform.start();
let peer;
try {
  const customer = await new Customer(platform).join();
  const client = (await customer.must(200, 'GET', '/api/auth/session')).client.id;
  platform.sql(`
    INSERT INTO agents (client_id, name, runtime, runtime_version, desired_state, status, config, permissions, resources)
    SELECT '${client}', 'agent ' || n, 'openclaw', '2026.9.6', 'stopped', 'stopped', '{"agents": {"defaults": {}}}',
      '{"scopes": ["email:read", "api:outbound"], "allowedDomains": ["api.example.com"], "maxDailyTokenSpend": 5.0}',
      '{"cpus": 1, "memoryMb": 2048, "diskMb": 4096, "pids": 256}' FROM generate_series(1, 20) n;
    INSERT INTO deployments (client_id, agent_id, kind, generation, spec, state, steps, ended_at)
    SELECT client_id, id, 'create', 1, '{}', 'live',
      '[{"name": "image", "startedAt": "2026-11-24T00:00:00.000Z", "endedAt": "2026-11-24T00:00:01.000Z", "detail": null}]', now()
    FROM agents WHERE client_id = '${client}'`);

  if (!fs.existsSync(path.join(peerFolder, 'node_modules'))) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: peerFolder, stdio: 'inherit' });
  }
  const port = 20000 + Math.floor(Math.random() * 20000);
  peer = spawn('node', ['server.mjs'], { cwd: peerFolder, stdio: ['ignore', 'pipe', 'inherit'], env: {
    PATH: process.env.PATH, NODE_ENV: 'production', PORT: String(port), PGHOST: path.join(platform.run, 'pg'),
    PGPASSWORD: fs.readFileSync(path.join(platform.home, 'secrets/deployclaw_api.password'), 'utf8') } });
  await until('the peer listens', () => fetch(`http://127.0.0.1:${port}/api/agents`).catch(() => false));

  const headers = { Cookie: customer.cookie };
  const targets = [
    { name: 'ours', url: `${platform.url}/api/agents`, pid: platform.pid('api') },
    { name: 'peer', url: `http://127.0.0.1:${port}/api/agents`, pid: peer.pid }];
  const sizes = await Promise.all(targets.map(async (t) =>
    JSON.parse(await (await fetch(t.url, { headers })).text()).items.length));
  if (sizes.some((n) => n !== 20)) throw new Error(`20 agents expected, got ${sizes}`);

  const runs = { ours: [], peer: [] };
  for (const target of targets) load(target.url, target.pid, { connections: 32, seconds: 2, headers });
  for (let round = 0; round < ROUNDS; ++round) {
    for (const target of targets) {
      runs[target.name].push(load(target.url, target.pid, { connections: 32, seconds: SECONDS, headers }));
    }
  }
  const middle = (name, field) => median(runs[name].map((r) => r[field]));
  await sleep(2000);
  const weights = ['api', 'vault', 'orchestrator'].map((role) => pssMb(platform.pid(role)));
  const total = weights.reduce((a, b) => a + b);
  report(process.argv[2], [
    atMost('GET /api/agents: server CPU per request (µs)', middle('ours', 'cpuPerRequest'), middle('peer', 'cpuPerRequest'), 0.2),
    atMost('GET /api/agents: p99 (ms)', middle('ours', 'p99'), middle('peer', 'p99'), 1),
    { metric: 'GET /api/agents: requests per second', ours: middle('ours', 'perSecond'), peer: middle('peer', 'perSecond'),
      ratio: middle('ours', 'perSecond') / middle('peer', 'perSecond'), target: 'told', holds: true },
    { metric: `PSS of api + vault + orchestrator (MB: ${weights.map((w) => w.toFixed(1)).join(' + ')})`, ours: total,
      peer: 40, ratio: total / 40, target: '<= 40 MB', holds: total <= 40 }]);
} finally {
  peer?.kill();
  await platform.stop();
}
