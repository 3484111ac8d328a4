// Our own egress as the bench sees it: the whole platform, a real agent, and its network to ask from.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { caBundle, Customer, Platform, root } from '../tests/e2e/harness.mjs';
import { sleep } from './egress_measure.mjs';

const HOST = 'origin.test';

// Starts it so that it trusts `ca` (of tests/fakes/authority.mjs) and admits the origin on `originPort`
// with policy, injection, scrubbing and audit on. Answers
//   {address, port, networkOf: a pid in whose network clients must be, header: what each request carries
//    for injection, caFile: whom its clients trust, pids: roots of its process tree, host: the origin's
//    name for CONNECT, workerPid: one idle worker (its PSS is told), settled(): once the audit log has
//    in the database what was told so far, stop()}.
export async function startOurs(ca, originPort) {
  const roots = fs.mkdtempSync('/tmp/deployclaw-bench-roots-');
  fs.chmodSync(roots, 0o755);
  fs.copyFileSync(ca.certFile, path.join(roots, 'ca.pem'));
  fs.chmodSync(path.join(roots, 'ca.pem'), 0o644);
  const home = process.env.DEPLOYCLAW_TEST_HOME ?? path.join(root, 'build/test-home');
  const program = process.env.DEPLOYCLAW_BINARY ?? path.join(root, 'build/release/deployclaw');
  execFileSync(program, ['image', 'build', 'probe'], { env: { ...process.env, DEPLOYCLAW_HOME: home }, stdio: 'ignore' });
  const platform = new Platform(home);
  await platform.start([`egress.hosts=${HOST}=127.0.0.1`, `egress.extra_roots=${roots}/ca.pem`]);
  const customer = await new Customer(platform).join();
  const id = await customer.deploy('bench', {}, {
    permissions: { scopes: ['api:outbound'], allowedDomains: [`${HOST}:${originPort}`],
      // What is measured is the way, not the limit: the highest there is.
      rateLimits: { 'api:outbound': { maxPerHour: 1_000_000, maxPerDay: 1_000_000 } } },
    credentials: [
      { name: 'origin', kind: 'generic', value: 'real-value-of-the-origin-0123456789abcdef', hosts: [HOST] },
      { name: 'openai', kind: 'openai', value: 'sk-real-openai-key-0123456789abcdefghijklmnopqrstuvwxyz' }] });
  const agent = await customer.verdict(id);
  if (agent.deployment.state !== 'live') throw new Error(`the bench's agent is ${agent.deployment.state}`);
  const container = await platform.containerOf(id);
  const bundle = caBundle(container);
  const placeholder = platform.sql(`SELECT placeholder FROM agent_credentials WHERE agent_id = '${id}' AND name = 'origin'`);
  const within = ['nsenter', '-t', String(container.State.Pid), '-n'];
  // The first request starts the worker.
  execFileSync(within[0], [...within.slice(1), 'curl', '-sSf', '-o', '/dev/null', '--cacert', bundle, '-x', 'http://10.232.0.1:3128',
    '-H', `Authorization: Bearer ${placeholder}`, `https://${HOST}:${originPort}/1k`]);
  const supervisor = platform.pid('deployclaw egress');
  const workers = execFileSync('ps', ['-eo', 'pid=,uid=']).toString().split('\n').map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, uid]) => uid >= 1_900_000_000 && uid < 1_900_010_000).map(([pid]) => pid);
  return {
    address: '10.232.0.1', port: 3128, networkOf: container.State.Pid, header: `Authorization: Bearer ${placeholder}`,
    caFile: bundle, pids: [supervisor], host: HOST, workerPid: workers[0],
    settled: async () => {
      const position = () => platform.sql('SELECT coalesce(max(position), 0) FROM egress_spools');
      let before;
      do {
        before = position();
        await sleep(300);
      } while (before !== position());
    },
    stop: async () => {
      await customer.remove(id);
      await platform.stop();
      fs.rmSync(roots, { recursive: true });
    },
  };
}
