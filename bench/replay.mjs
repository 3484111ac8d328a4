// ./dev bench replay [RECORDS]: a million generated records of one agent over 30 days; how long a draft
// of permissions takes to be held against them, and the suggestions to be made.

import path from 'node:path';

import { Customer, Platform, root } from '../tests/e2e/harness.mjs';
import { report } from './harness.mjs';

const RECORDS = Number(process.env.REPLAY_RECORDS ?? 1_000_000);
const MOST_SECONDS = 10;

// As egress writes them: mostly what rules decided, some domains, a tenth refused. No hashes: this log
// is read here, never verified.
const fill = (agent, client) => `
  SELECT audit.ensure_partition(now() - interval '31 days'), audit.ensure_partition(now());
  INSERT INTO audit_logs (agent_id, client_id, action_type, target, metadata, created_at, actor_type, actor_id,
                          outcome, seq, prev_hash, hash)
  SELECT '${agent}', '${client}', 'api_call', 'message ' || n,
    jsonb_build_object('requestId', md5(n::text), 'method', CASE n % 3 WHEN 0 THEN 'POST' ELSE 'GET' END, 'port', 443,
      'tls', true, 'host', CASE WHEN n % 4 = 0 THEN 'h' || (n % 40) || '.example.com' ELSE 'gmail.googleapis.com' END,
      'rule', CASE WHEN n % 4 = 0 THEN 'domain:*.example.com' WHEN n % 3 = 0 THEN 'gmail/send' ELSE 'gmail/read' END,
      'scope', CASE WHEN n % 4 = 0 THEN 'api:outbound' WHEN n % 3 = 0 THEN 'email:send' ELSE 'email:read' END,
      'path', '/gmail/v1/users/me/messages/' || md5((n * 7)::text), 'bytesSent', n % 5000, 'bytesReceived', n % 90000,
      'durationMs', n % 900, 'status', 200, 'credentials', jsonb_build_array('mail'))
      || CASE WHEN n % 10 = 0 THEN jsonb_build_object('layer', 'scope', 'missingScope', 'email:send', 'reason', 'r') ELSE '{}' END,
    now() - interval '29 days 23 hours' + n * (interval '29 days 22 hours' / ${RECORDS}), 'agent', '${agent}',
    CASE WHEN n % 10 = 0 THEN 'denied' ELSE 'success' END, 1000000 + n, '\\x00', '\\x00'
  FROM generate_series(1, ${RECORDS}) n;`;

const platform = new Platform(process.env.DEPLOYCLAW_TEST_HOME ?? path.join(root, 'build/test-home'));
await platform.start();
try {
  const customer = await new Customer(platform).join();
  const agent = await customer.deploy('replayed', {}, { permissions: { scopes: ['email:read'] } });
  const client = platform.sql(`SELECT client_id FROM agents WHERE id = '${agent}'`);
  platform.sql(fill(agent, client));
  platform.sql('ANALYZE audit_logs');
  const timed = async (call) => {
    const started = performance.now();
    const answer = await call();
    return { seconds: (performance.now() - started) / 1000, answer };
  };
  const draft = { scopes: ['email:read', 'api:outbound'], allowedDomains: ['*.example.com'],
    rateLimits: { 'email:read': { maxPerHour: 500, maxPerDay: 5000 } } };
  const replay = await timed(() => customer.must(200, 'POST', `/api/agents/${agent}/policy/replay`, { permissions: draft }));
  const suggest = await timed(() => customer.must(200, 'GET', `/api/agents/${agent}/suggestions`));
  const { counts, rateLimits } = replay.answer;
  if (counts.examined < RECORDS || rateLimits.length === 0) throw new Error(JSON.stringify(counts));
  console.log(`  ${JSON.stringify(counts)}`);
  console.log(`  ${JSON.stringify(rateLimits.map(({ scope, attempts, refused }) => ({ scope, attempts, refused })))}`);
  const row = (metric, { seconds }) => ({ metric, ours: seconds, target: `<= ${MOST_SECONDS} s`, holds: seconds <= MOST_SECONDS });
  report(process.argv[2], [row(`replay of ${RECORDS} records with rate limits (s)`, replay),
    row(`suggestions out of ${RECORDS} records (s)`, suggest)]);
  await customer.remove(agent);
} finally {
  await platform.stop();
}
