// The agents' way out, from inside a real agent's network: what the policy admits gets through with
// the real key, which never comes back; everything else is refused, and told in the audit log.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { startEchoOrigin } from '../fakes/echo_origin.mjs';
import { startModelServer } from '../fakes/model_server.mjs';
import { Customer, Platform, sleep, until } from './harness.mjs';

const run = promisify(execFile);
const KEY = 'sk-real-openai-key-0123456789abcdefghijklmnopqrstuvwxyz';
const platform = new Platform();
let customer, authority, models, echo, agent, placeholder, pid, bundle;

// Runs a program of this host in the agent's network: its address and its routes, and nothing else
// of ours. Where the agent's own root would be needed, the container is used instead.
async function within(command, ...args) {
  try {
    const { stdout, stderr } = await run('nsenter', ['-t', String(pid), '-n', command, ...args],
      { timeout: 60_000, maxBuffer: 64 << 20 });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    return { code: error.code ?? 1, out: error.stdout ?? '', err: error.stderr ?? '' };
  }
}

const PROXY = ['-x', 'http://10.232.0.1:3128'];
// curl with the agent's bundle; the last line of `out` is the status.
const curl = (...args) => within('curl', '-sS', '-m', '30', '--cacert', bundle, '-w', '\n%{http_code}', ...args);
const status = (answer) => answer.out.trimEnd().split('\n').at(-1);
const body = (answer) => answer.out.slice(0, answer.out.trimEnd().lastIndexOf('\n'));

async function audit(match, seconds = 10) {
  return until('audit record', async () => {
    const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`);
    return log.items.find(match);
  }, seconds);
}

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-egress-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  models = await startModelServer({ authority, names: ['api.openai.com', 'api.anthropic.com'],
    host: '127.0.0.2', port: 443, keys: { openai: KEY } });
  echo = await startEchoOrigin({ authority, names: ['echo.example.com', 'other.example.com'],
    host: '127.0.0.3', port: 443 });
  await platform.start([
    'egress.hosts=api.openai.com=127.0.0.2,echo.example.com=127.0.0.3,other.example.com=127.0.0.3',
    `egress.extra_roots=${authority.certFile}`, 'egress.nameservers=127.0.0.1:5399']);
  customer = await new Customer(platform).join();
  agent = await customer.deploy('out', {}, {
    permissions: { scopes: ['api:outbound'], allowedDomains: ['echo.example.com'] },
    credentials: [{ name: 'openai', kind: 'openai', value: KEY }] });
  assert.equal((await customer.verdict(agent)).deployment.state, 'live');
  const container = await platform.containerOf(agent);
  pid = container.State.Pid;
  bundle = container.HostConfig.Binds?.find((b) => b.includes('ca-bundle'))?.split(':')[0]
    ?? container.Mounts.find((m) => m.Destination.includes('ca-bundle')).Source;
  placeholder = platform.sql(`SELECT placeholder FROM agent_credentials WHERE agent_id = '${agent}'`);
});

after(async () => {
  if (agent) await customer.remove(agent);
  assert.equal(await platform.stop(), 0);
  await models?.close();
  await echo?.close();
});

test('a model call with the placeholder arrives with the real key', async () => {
  const answer = await curl(...PROXY, 'https://api.openai.com/v1/chat/completions',
    '-H', `Authorization: Bearer ${placeholder}`, '-H', 'Content-Type: application/json',
    '-d', JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'hi' }] }));
  assert.equal(status(answer), '200', answer.out + answer.err);
  const request = (await models.record.wait(1))[0];
  assert.equal(request.headers.authorization, `Bearer ${KEY}`);
  const record = await audit((e) => e.actionType === 'model_call' && e.outcome === 'success');
  assert.deepEqual(record.metadata.credentials, ['openai']);
  assert.equal(JSON.stringify(record).includes(KEY), false);
});
