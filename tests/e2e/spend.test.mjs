// The spend cap, from inside a real agent's network, against a provider that keeps its own book: what
// it bills is never more than the cap, whatever runs at once, hangs up or is killed.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { startBillingServer } from '../fakes/billing_server.mjs';
import { caBundle, Customer, Platform, root, until, whole } from './harness.mjs';

const run = promisify(execFile);
const KEYS = { openai: 'sk-real-openai-key-0123456789abcdefghijklmnopqrstuvwxyz', anthropic: 'sk-ant-real-0123456789abcdefghijklmnopqrstuvwxyz0123456789' };
const client = path.join(root, 'tests/e2e/spend_client.mjs');
const platform = new Platform();
const agents = [];
let customer, authority, provider;

// A fresh agent, with nothing spent yet: {id, call(options), logs(), spent()}.
async function agentWith(name, cap) {
  const id = await customer.deploy(name, {}, {
    permissions: { scopes: [], maxDailyTokenSpend: cap },
    credentials: Object.entries(KEYS).map(([kind, value]) => ({ name: kind, kind, value })) });
  agents.push(id);
  assert.equal((await customer.verdict(id)).deployment.state, 'live');
  const container = await platform.containerOf(id);
  const placeholder = (kind) => platform.sql(
    `SELECT placeholder FROM agent_credentials WHERE agent_id = '${id}' AND name = '${kind}'`);
  const headers = {
    openai: { Authorization: `Bearer ${placeholder('openai')}`, 'Content-Type': 'application/json' },
    anthropic: { 'x-api-key': placeholder('anthropic'), 'anthropic-version': '2023-06-01', 'Content-Type': 'application/json' } };
  async function call({ kind = 'openai', ...options }) {
    const asked = { host: kind === 'openai' ? 'api.openai.com' : 'api.anthropic.com',
      target: kind === 'openai' ? '/v1/chat/completions' : '/v1/messages', headers: headers[kind], ...options };
    const { stdout } = await run('nsenter', ['-t', String(container.State.Pid), '-n', process.execPath, client, JSON.stringify(asked)],
      { timeout: 120_000, maxBuffer: 256 << 20, env: { ...process.env, BUNDLE: caBundle(container) } });
    return JSON.parse(stdout).results;
  }
  const logs = async () => whole((await customer.must(200, 'GET', `/api/agents/${id}/logs?limit=200`)).items);
  const ended = (match = () => true) => until('a model call in the audit log', async () =>
    (await logs()).find((e) => e.metadata.spentMicroUsd !== undefined && match(e)), 15);
  return { id, call, logs, ended };
}

const chat = (more = {}) => ({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'hi' }], max_tokens: 1000, ...more });
const claude = (more = {}) => ({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'hi' }], max_tokens: 1000, stream: true, ...more });
const behave = (behaviour) => {
  Object.assign(provider.behaviour, { tokens: 1_000_000, perEvent: 100, delay: 0, usage: true, stall: false, fail: 0 }, behaviour);
  provider.billed = 0;
  provider.requests.length = 0;
};
const problem = (result) => JSON.parse(result.text);

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-spend-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  provider = await startBillingServer({ authority, names: ['api.openai.com', 'api.anthropic.com'], host: '127.0.0.2', port: 443 });
  await platform.start([
    'egress.hosts=api.openai.com=127.0.0.2,api.anthropic.com=127.0.0.2',
    `egress.extra_roots=${authority.certFile}`, 'egress.nameservers=127.0.0.1:5399']);
  customer = await new Customer(platform).join();
  platform.sql("UPDATE clients SET plan = 'scale'");  // room for one agent a test
});

after(async () => {
  for (const id of agents) await customer.remove(id);
  assert.equal(await platform.stop(), 0);
  await provider?.close();
});

test('a call costs what its usage says, at the right price, and the audit log tells', async () => {
  const agent = await agentWith('plain', 5);
  behave({ tokens: 200 });
  const [answer] = await agent.call({ body: chat({ stream: true }) });
  assert.equal(answer.status, 200, answer.text);
  // Asked for on our behalf, and hidden again.
  assert.equal(provider.requests[0].body.stream_options.include_usage, true);
  assert.doesNotMatch(answer.text, /"prompt_tokens"/);
  assert.match(answer.text, /\[DONE\]/);
  const record = await agent.ended();
  const { metadata } = record;
  assert.equal(record.outcome, 'success');
  assert.equal(metadata.model, 'gpt-5.4-mini');
  assert.equal(metadata.usage, 'known');
  assert.equal(metadata.tokensOut, 200);
  assert.equal(metadata.spentMicroUsd, Math.ceil(metadata.tokensIn * 0.75 + 200 * 4.5));
  assert.equal(metadata.spentMicroUsd, Math.ceil(provider.billed));
  assert.ok(metadata.reservedMicroUsd >= metadata.spentMicroUsd);

  // An agent that asks for usage itself gets it.
  const [asked] = await agent.call({ body: chat({ stream: true, stream_options: { include_usage: true } }) });
  assert.match(asked.text, /"prompt_tokens"/);
  // And so does one that streams from Anthropic, whose usage is never hidden.
  const [other] = await agent.call({ kind: 'anthropic', body: claude() });
  assert.equal(other.status, 200, other.text);
  assert.match(other.text, /message_delta/);
});

test('with a cap of nothing there is no model call at all', async () => {
  const agent = await agentWith('nothing', 0);
  behave({});
  const [answer] = await agent.call({ body: chat() });
  assert.equal(answer.status, 429, answer.text);
  const told = problem(answer);
  assert.equal(told.code, 'spend_cap_reached');
  assert.equal(told.layer, 'spend');
  assert.equal(told.capUsd, 0);
  assert.ok(told.retryAfter >= 1 && told.retryAfter <= 86_400);
  assert.match(answer.head, /^retry-after: \d+/im);
  assert.equal(provider.requests.length, 0);
});

test('the limit in the request is what the grant pays for, and nothing else changes', async () => {
  const agent = await agentWith('clamped', 0.05);
  behave({});
  const body = chat({ stream: true, max_tokens: 100_000, stream_options: { include_usage: true } });
  const [answer] = await agent.call({ body });
  assert.equal(answer.status, 200, answer.text);
  const sent = provider.requests[0];
  assert.ok(sent.body.max_tokens < 100_000 && sent.body.max_tokens >= 256, String(sent.body.max_tokens));
  assert.equal(sent.text.replace(/"max_tokens":\d+ */, '"max_tokens":100000'), JSON.stringify(body));
  assert.ok(provider.billed <= 50_000, String(provider.billed));
});

test('an unknown model costs the dearest price of its provider', async () => {
  const agent = await agentWith('unknown', 1);
  behave({ usage: false, tokens: 10 });
  const [answer] = await agent.call({ body: chat({ model: 'gpt-99', max_tokens: 100 }) });
  assert.equal(answer.status, 200, answer.text);
  const { metadata } = await agent.ended();
  assert.ok(metadata.reservedMicroUsd > 150 * 2048, JSON.stringify(metadata));
});

test('without usage, and when the agent hangs up, the whole reservation is spent', async () => {
  const agent = await agentWith('untold', 5);
  behave({ usage: false, tokens: 100 });
  await agent.call({ body: chat({ stream: true }) });
  const untold = await agent.ended();
  assert.equal(untold.metadata.usage, 'unknown');
  assert.equal(untold.metadata.spentMicroUsd, untold.metadata.reservedMicroUsd);
  behave({ stall: true, tokens: 100 });
  await agent.call({ body: chat({ stream: true, max_tokens: 500 }), abortAfter: 'word' });
  const gone = await agent.ended((e) => e.metadata.requestId !== untold.metadata.requestId);
  assert.equal(gone.outcome, 'failure');
  assert.equal(gone.metadata.spentMicroUsd, gone.metadata.reservedMicroUsd);
  // Anthropic told its input before: only the output is unknown.
  behave({ stall: true, tokens: 100 });
  await agent.call({ kind: 'anthropic', body: claude({ max_tokens: 500 }), abortAfter: 'word' });
  const claudes = await agent.ended((e) => e.metadata.model === 'claude-haiku-4-5');
  assert.ok(claudes.metadata.spentMicroUsd < claudes.metadata.reservedMicroUsd, JSON.stringify(claudes.metadata));
  assert.ok(claudes.metadata.spentMicroUsd >= 2500);
  // A refused call costs nothing.
  behave({ fail: 503 });
  const [failed] = await agent.call({ body: chat({ max_tokens: 7 }) });
  assert.equal(failed.status, 503);
  const free = await agent.ended((e) => e.metadata.status === 503);
  assert.equal(free.metadata.spentMicroUsd, 0);
});

test('what cannot be held to a cap is refused with its reason', async () => {
  const agent = await agentWith('refused', 5);
  behave({});
  for (const more of [{ service_tier: 'priority' }, { tools: [{ type: 'web_search_preview' }] }, { background: true }]) {
    const [answer] = await agent.call({ body: chat(more) });
    assert.equal(answer.status, 403, answer.text);
    assert.equal(problem(answer).code, 'model_call_refused');
  }
  const [speech] = await agent.call({ target: '/v1/audio/speech', body: { model: 'tts-1', input: 'x' } });
  assert.equal(problem(speech).code, 'model_without_price');
  const [twice] = await agent.call({ body: { ...chat(), Max_Tokens: 9 } });
  assert.equal(problem(twice).code, 'invalid_model_call');
  assert.equal(provider.requests.length, 0);
});

test('a body of several megabytes is a model call like any other', async () => {
  const agent = await agentWith('large', 5);
  behave({ tokens: 10 });
  const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,' } }];
  const [answer] = await agent.call({ body: chat({ messages: [{ role: 'user', content }] }), image: 5_000_000 });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(provider.requests[0].text.length > 5_000_000);
  // By the piece, not by the byte.
  assert.ok((await agent.ended()).metadata.reservedMicroUsd < 20_000);
  const [huge] = await agent.call({ body: chat({ messages: [{ role: 'user', content }] }), image: 17 << 20 });
  assert.equal(huge.status, 413, huge.text);
});

// Threat 21. The worker is killed while they run; what it had open counts as spent.
test('200 streams at once, a killed worker among them, never cost more than the cap', async () => {
  const agent = await agentWith('crowd', 1);
  behave({ tokens: 4000, perEvent: 500, delay: 100 });
  const calls = agent.call({ body: chat({ stream: true, max_tokens: 4000 }), count: 200, quiet: true });
  await until('some run', () => provider.open >= 5, 30);
  const workers = execFileSync('ps', ['-eo', 'pid=,uid=,stat=']).toString().split('\n')
    .map((row) => row.trim().split(/\s+/)).filter(([, uid]) => Number(uid) >= 1_900_000_000);
  assert.ok(workers.length > 0);
  // Of this platform: its spawner's children.
  const egress = platform.pid('egress');
  const parents = new Map(execFileSync('ps', ['-eo', 'pid=,ppid=']).toString().split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number)));
  const ours = (pid) => { for (let at = pid; at > 1; at = parents.get(at)) if (at === egress) return true; return false; };
  // Not after a time: a slow machine would have billed next to nothing by then.
  await until('much is billed', () => provider.billed > 300_000, 60);
  assert.ok(provider.open > 0, 'none is running anymore');
  for (const [pid] of workers) if (ours(Number(pid))) process.kill(Number(pid), 'SIGKILL');
  const first = await calls;
  const billedThen = provider.billed;
  const second = await agent.call({ body: chat({ stream: true, max_tokens: 4000 }), count: 200, quiet: true });
  await until('all ended', () => provider.open === 0, 60);
  const good = [...first, ...second].filter((one) => one.status === 200);
  const refused = second.filter((one) => one.status === 429);
  assert.ok(provider.billed <= 1_000_000, `${provider.billed} billed`);
  assert.ok(provider.billed > 300_000, `only ${provider.billed} billed (${billedThen} before)`);
  assert.ok(good.length > 10, `${good.length} good`);
  assert.ok(refused.length > 0);
  for (const one of refused) assert.equal(problem(one).code, 'spend_cap_reached');
});
