// Test calls of credentials: a person asks, the platform calls the service with the stored value and
// tells a verdict. The value goes to that service and nowhere else. The agent is never started: a key
// can be tried before.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { makeAuthority } from '../fakes/authority.mjs';
import { startDnsServer } from '../fakes/dns_server.mjs';
import { answerJson, createServer, describe, listen, Record } from '../fakes/listening.mjs';
import { Customer, Platform, until, whole } from './harness.mjs';

const GOOD = 'sk-good-key-0123456789abcdefghijklmnopqrstuvwxyz';
const BAD = 'sk-bad-key-zyxwvutsrqponmlkjihgfedcba9876543210';
const SLACK = 'xoxb-0123456789-good-slack-token-abcdefghijkl';
const TELEGRAM = '7123456789:AArealTelegramToken_abcdefghijklmnop';
const SAID = 'what-the-service-said-about-it';
const platform = new Platform();
let authority, models, chats, stranger, dns, customer, other, agent;

// Services that take one value each, and tell what they think of the others at length.
async function startService(names, options, answer, trust = authority) {
  const record = new Record();
  const server = createServer({ authority: trust, names }, (request, response) => {
    record.add(describe(request, ''));
    const [status, body] = answer(request);
    answerJson(response, status, { said: `${SAID} ${request.headers.authorization}`, ...body });
  });
  return { record, ...(await listen(server, options)) };
}

const bearer = (request) => request.headers.authorization?.replace('Bearer ', '');

async function addAgent(owner, credentials) {
  const body = await owner.must(202, 'POST', '/api/agents', {
    name: 'tried', runtime: 'probe', permissions: { scopes: [] }, desiredState: 'stopped', credentials });
  return body.agent.id;
}

// The limit of ten a minute is not what most tests here are about.
async function ask(name, owner = customer, of = agent) {
  platform.sql("UPDATE credential_tests SET created_at = created_at - interval '2 minutes' WHERE answered_at IS NOT NULL");
  return owner.call('POST', `/api/agents/${of}/credentials/${name}/test`, {});
}

async function verdict(name) {
  const answer = await ask(name);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!answer.text.includes(SAID), answer.text);
  return answer.body;
}

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-credential-test-'));
  const nobody = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-credential-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  models = await startService(['api.openai.com', 'api.mistral.ai'], { host: '127.0.0.2', port: 443 }, (request) => (
    request.headers.host === 'api.mistral.ai' ? [403, {}] : bearer(request) === GOOD ? [200, { data: [] }] : [401, {}]));
  chats = await startService(['slack.com', 'api.telegram.org'], { host: '127.0.0.3', port: 443 }, (request) => {
    if (request.headers.host === 'api.telegram.org') return request.url === `/bot${TELEGRAM}/getMe` ? [200, { ok: true }] : [404, {}];
    return [200, bearer(request) === SLACK ? { ok: true } : { ok: false, error: 'invalid_auth' }];
  });
  stranger = await startService(['api.notion.com'], { host: '127.0.0.4', port: 443 }, () => [200, {}], nobody);
  dns = await startDnsServer({ port: 5399, table: { 'api.groq.com': { A: ['10.0.0.5'] } } });
  await platform.start([
    // Nobody listens where DeepSeek is said to be; Groq's name leads to a private address.
    'egress.hosts=api.openai.com=127.0.0.2,api.mistral.ai=127.0.0.2,slack.com=127.0.0.3,api.telegram.org=127.0.0.3,'
      + 'api.notion.com=127.0.0.4,api.deepseek.com=127.0.0.9',
    `egress.extra_roots=${authority.certFile}`, 'egress.nameservers=127.0.0.1:5399']);
  customer = await new Customer(platform).join();
  agent = await addAgent(customer, [
    { name: 'good', kind: 'openai', value: GOOD }, { name: 'bad', kind: 'openai', value: BAD },
    { name: 'slack', kind: 'slack', value: SLACK }, { name: 'slack-bad', kind: 'slack', value: BAD },
    { name: 'telegram', kind: 'telegram', value: TELEGRAM }, { name: 'mistral', kind: 'mistral', value: GOOD },
    { name: 'notion', kind: 'notion', value: GOOD }, { name: 'deepseek', kind: 'deepseek', value: GOOD },
    { name: 'groq', kind: 'groq', value: GOOD }, { name: 'own', kind: 'generic', value: GOOD, hosts: ['api.openai.com'] }]);
  other = await new Customer(platform).join();
});

after(async () => {
  if (agent) await customer.remove(agent);
  assert.equal(await platform.stop(), 0);
  for (const server of [models, chats, stranger, dns]) await server?.close();
});

test('a good key is accepted: the service got the real one, once, at the place of the catalogue', async () => {
  const answer = await verdict('good');
  assert.equal(answer.verdict, 'accepted');
  assert.equal(answer.status, 200);
  assert.equal(answer.message, 'OpenAI accepts this credential.');
  assert.ok(Math.abs(Date.parse(answer.testedAt) - Date.now()) < 60_000);
  assert.equal(models.record.entries.length, 1);
  const request = models.record.entries[0];
  assert.equal(request.method, 'GET');
  assert.equal(request.headers.authorization, `Bearer ${GOOD}`);
});

test('a bad key is refused, whether by status or under 200', async () => {
  const answer = await verdict('bad');
  assert.equal(answer.verdict, 'refused');
  assert.equal(answer.status, 401);
  assert.match(answer.message, /OpenAI refuses this credential/);
  assert.equal((await verdict('slack-bad')).verdict, 'refused');
  assert.equal((await verdict('slack')).verdict, 'accepted');
});

test('a token that is part of the path gets there', async () => {
  assert.equal((await verdict('telegram')).verdict, 'accepted');
});

test('a key that was just replaced is the one that is tried', async () => {
  await customer.must(200, 'PUT', `/api/agents/${agent}/credentials/bad`, { value: GOOD });
  assert.equal((await verdict('bad')).verdict, 'accepted');
  await customer.must(200, 'PUT', `/api/agents/${agent}/credentials/bad`, { value: BAD });
  assert.equal((await verdict('bad')).verdict, 'refused');
});

test('where nobody can be asked, or the answer says nothing, it is told so', async () => {
  const away = await verdict('deepseek');
  assert.deepEqual([away.verdict, away.reason, away.status], ['unreachable', 'upstream_unreachable', null]);
  const inside = await verdict('groq');
  assert.deepEqual([inside.verdict, inside.reason], ['unreachable', 'upstream_address']);
  const shown = await verdict('notion');
  assert.deepEqual([shown.verdict, shown.reason], ['unreachable', 'upstream_certificate']);
  assert.equal(stranger.record.entries.length, 0, 'it got nothing');
  const limited = await verdict('mistral');
  assert.deepEqual([limited.verdict, limited.status], ['unclear', 403]);
});

test('what cannot be tested, is not there or is another client\'s is refused by name', async () => {
  const asked = models.record.entries.length;
  const own = await ask('own');
  assert.equal(own.status, 422, own.text);
  assert.equal(own.body.code, 'test_not_offered');
  assert.equal((await ask('nothing')).status, 404);
  assert.equal((await ask('good', other)).status, 404);
  const listed = await customer.must(200, 'GET', `/api/agents/${agent}/credentials`);
  for (const one of listed.items) assert.equal(one.testable, one.kind !== 'generic', one.name);
  assert.equal(models.record.entries.length, asked);
});

test('ten a minute, then 429 with the time to wait', async () => {
  const owner = platform.sql(`SELECT u.id FROM users u JOIN agents a USING (client_id) WHERE a.id = '${agent}'`);
  const asked = models.record.entries.length;
  platform.sql(`INSERT INTO credential_tests (client_id, agent_id, credential, requested_by, claimed_at, answered_at, reason)
    SELECT client_id, id, 'x', '${owner}', now(), now(), 'accepted' FROM agents, generate_series(1, 10) WHERE id = '${agent}'`);
  const answer = await customer.call('POST', `/api/agents/${agent}/credentials/good/test`, {});
  assert.equal(answer.status, 429, answer.text);
  assert.equal(answer.body.code, 'too_many_tests');
  assert.ok(Number(answer.headers['retry-after']) >= 1);
  assert.equal(models.record.entries.length, asked);
});

test('the audit log has each as the deed of who asked, and nothing against the agent', async () => {
  const user = (await customer.must(200, 'GET', '/api/auth/session')).user;
  const records = await until('the records of the tests', async () => {
    const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`);
    const found = whole(log.items).filter((one) => one.actionType === 'credential_tested' && one.outcome !== 'pending');
    return found.length >= 11 && found;
  }, 60);
  for (const record of records) {
    assert.deepEqual(record.actor, { type: 'user', id: user.id });
    assert.equal(record.metadata.verdict === 'accepted', record.outcome === 'success');
  }
  const good = records.find((one) => one.metadata.credential === 'good');
  assert.equal(good.target, 'api.openai.com');
  assert.equal(good.metadata.kind, 'openai');
  assert.equal(good.metadata.status, 200);
  assert.equal(platform.sql(`SELECT count(*) FROM agent_credentials WHERE last_used_at IS NOT NULL AND agent_id = '${agent}'`), '0');
  assert.equal(platform.sql(`SELECT count(*) FROM scope_uses WHERE agent_id = '${agent}'`), '0');
});

test('no value and nothing that a service said is in the logs or the database', async () => {
  const directory = path.join(platform.home, 'log');
  const tables = platform.sql("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')").split('\n');
  assert.ok(tables.includes('public.credential_tests'));
  const places = [
    ...fs.readdirSync(directory).filter((name) => fs.statSync(path.join(directory, name)).isFile())
      .map((name) => [name, fs.readFileSync(path.join(directory, name), 'utf8')]),
    ...tables.map((table) => [table, platform.sql(`SELECT coalesce(string_agg(t::text, ' '), '') FROM ${table} t`)]),
    ['the platform\'s output', platform.output]];
  for (const [name, text] of places) {
    for (const secret of [GOOD, BAD, SLACK, TELEGRAM, SAID]) assert.ok(!text.includes(secret), `${name} has ${secret}`);
  }
});
