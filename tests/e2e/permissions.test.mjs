// What permissions allow, as the agent, its owner and the operator each see it: one verdict. And what
// an agent keeps of its own files.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { startEchoOrigin } from '../fakes/echo_origin.mjs';
import { caBundle, Customer, Platform, root, until, whole } from './harness.mjs';

const run = promisify(execFile);
const binary = process.env.DEPLOYCLAW_BINARY ?? `${root}/build/release/deployclaw`;
const platform = new Platform();
const TOKEN = 'ya29.real-google-token-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP';
const GMAIL = 'https://gmail.googleapis.com/gmail/v1/users/me';
const READER = { scopes: ['email:read', 'api:outbound'], allowedDomains: ['echo.example.com'] };
let customer, authority, origin, agent, pid, bundle, placeholder;

// curl in the agent's network: {status, body}.
async function curl(...args) {
  const { stdout } = await run('nsenter', ['-t', String(pid), '-n', 'curl', '-sS', '-m', '30', '--cacert', bundle,
    '-x', 'http://10.232.0.1:3128', '-w', '\n%{http_code} %{http_connect}', ...args], { maxBuffer: 16 << 20 })
    .catch((error) => error);
  const lines = stdout.trimEnd().split('\n');
  const [status, connect] = lines.pop().split(' ');
  let body = lines.join('\n');
  try { body = JSON.parse(body); } catch { /* as text */ }
  return { status, connect, body };
}

const post = (url, body, ...more) => curl(url, '-H', 'Content-Type: application/json',
  '-H', `Authorization: Bearer ${placeholder}`, '-d', JSON.stringify(body), ...more);

const explain = (method, url) => customer.must(200, 'POST', `/api/agents/${agent}/policy/explain`, { method, url });

// The operator's command: {code, answer}.
function explainByCommand(who, method, url) {
  const { status, stdout, stderr } = spawnSync(binary, ['policy', 'explain', who, method, url, '--json'],
    { env: { PATH: process.env.PATH, DEPLOYCLAW_HOME: platform.home } });
  return { code: status, err: stderr.toString(), answer: status === 2 ? undefined : JSON.parse(stdout.toString()) };
}

const suggestions = () => customer.must(200, 'GET', `/api/agents/${agent}/suggestions`);

async function records(match, seconds = 15) {
  return until('audit record', async () => {
    const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`);
    return whole(log.items).find(match);
  }, seconds);
}

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-permissions-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  const names = ['gmail.googleapis.com', 'echo.example.com', 'other.example.com'];
  origin = await startEchoOrigin({ authority, names, host: '127.0.0.4', port: 443 });
  await platform.start([`egress.hosts=${names.map((name) => `${name}=127.0.0.4`).join(',')}`,
    `egress.extra_roots=${authority.certFile}`]);
  customer = await new Customer(platform).join();
  agent = await customer.deploy('explained', {}, { permissions: READER,
    credentials: [{ name: 'mail', kind: 'gmail', value: TOKEN }] });
  assert.equal((await customer.verdict(agent)).deployment.state, 'live');
  const container = await platform.containerOf(agent);
  pid = container.State.Pid;
  bundle = caBundle(container);
  placeholder = platform.sql(`SELECT placeholder FROM agent_credentials WHERE agent_id = '${agent}'`);
});

after(async () => {
  if (agent) await customer.remove(agent);
  assert.equal(await platform.stop(), 0);
  await origin?.close();
});

test('a denied request gets the reason as data, and nothing leaves', async () => {
  const before = origin.record.entries.length;
  const answer = await post(`${GMAIL}/messages/send`, { raw: 'x' });
  assert.equal(answer.status, '403');
  const { code, layer, rule, missingScope, method, host } = answer.body;
  assert.deepEqual({ code, layer, rule, missingScope, method, host }, { code: 'egress_denied', layer: 'scope',
    rule: 'gmail/send', missingScope: 'email:send', method: 'POST', host: 'gmail.googleapis.com' });
  assert.equal((await post('https://gmail.googleapis.com/batch/gmail/v1', {})).body.rule, 'gmail/batch');
  assert.equal((await curl('https://other.example.com/x')).connect, '403');
  assert.equal((await curl('-X', 'QUERY', `${GMAIL}/messages`)).body.layer, 'service', 'a method that no rule knows');
  assert.equal(origin.record.entries.length, before);
});

test('the owner is offered the narrowest change, as a patch, and what nobody may grant stands apart', async () => {
  const found = await until('suggestions', async () => {
    const now = await suggestions();
    return now.items.length >= 2 && now.notGrantable.length >= 2 && now;
  }, 15);
  const ids = found.items.map(({ id }) => id).sort();
  assert.deepEqual(ids, ['domain:other.example.com', 'scope:email:send']);
  const scope = found.items.find(({ id }) => id === 'scope:email:send');
  assert.deepEqual(scope.patch, [{ op: 'add', path: '/scopes/-', value: 'email:send' }]);
  assert.match(scope.example, /POST https:\/\/gmail\.googleapis\.com\/gmail\/v1\/users\/me\/messages\/send/);
  assert.match(scope.sentence, /send/);
  assert.ok(found.notGrantable.some(({ rule, reason }) => rule === 'gmail/batch' && reason.includes('batch')), JSON.stringify(found));
  assert.deepEqual((await customer.agent(agent)).permissions.scopes, READER.scopes, 'nothing is applied by itself');
});

test('the API, the command and the gateway say the same', async () => {
  for (const [method, url] of [['GET', `${GMAIL}/messages`], ['POST', `${GMAIL}/messages/send`], ['DELETE', `${GMAIL}/messages/1`],
    ['GET', 'https://echo.example.com/echo'], ['GET', 'https://other.example.com/'], ['QUERY', `${GMAIL}/messages`],
    ['GET', 'https://GMAIL.googleapis.com./gmail/v1/x/../users/me/messages']]) {
    const byApi = await explain(method, url);
    const byCommand = explainByCommand(agent, method, url);
    assert.deepEqual(byCommand.answer, byApi, `${method} ${url} ${byCommand.err}`);
    assert.equal(byCommand.code, byApi.verdict === 'allowed' ? 0 : 1);
    const real = await curl('-X', method, '--path-as-is', url);
    assert.equal(real.status !== '403' && real.connect !== '403', byApi.verdict === 'allowed', `${method} ${url}: ${JSON.stringify(real)}`);
    if (real.body?.rule) assert.equal(real.body.rule, byApi.rule);
  }
  assert.equal(explainByCommand('explained', 'GET', `${GMAIL}/messages`).answer.rule, 'gmail/read', 'by its name');
  const { limits } = await explain('GET', `${GMAIL}/messages`);
  assert.ok(limits.maxPerHour > 0 && limits.maxPerDay >= limits.maxPerHour && limits.default);
  const none = explainByCommand('nobody', 'GET', 'https://a.example.com/');
  assert.deepEqual([none.code, /no agent/.test(none.err)], [2, true]);
});

test('a change that was suggested opens what it said; the log names the recipient', async () => {
  const { items } = await suggestions();
  const { permissions } = items.find(({ id }) => id === 'scope:email:send');
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions });
  const raw = Buffer.from('From: me@example.com\r\nTo: Ada <ada@example.com>\r\nSubject: hi\r\n\r\nhello').toString('base64url');
  await until('it is in force', async () => (await post(`${GMAIL}/messages/send`, { raw })).status !== '403', 10);
  const sent = origin.record.entries.at(-1);
  assert.ok(JSON.stringify(sent.headers).includes(TOKEN));
  const record = await records((e) => e.actionType === 'email_sent' && e.outcome !== 'denied');
  assert.equal(record.target, 'to Ada <ada@example.com>');
  assert.equal(record.metadata.path, '/gmail/v1/users/me/messages/send');
  const after = await suggestions();
  assert.deepEqual(after.items.map(({ id }) => id), ['domain:other.example.com']);
  const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?actionType=agent_updated`);
  assert.deepEqual(log.items[0].metadata.diff, { scopes: { added: ['email:send'] } });
});

test('a draft is held against what was really done', async () => {
  const replay = (permissions) => customer.must(200, 'POST', `/api/agents/${agent}/policy/replay`, { permissions });
  const narrow = await replay(READER);
  assert.ok(narrow.newlyDenied.some(({ rule, scope }) => rule === 'gmail/send' && scope === 'email:send'), JSON.stringify(narrow));
  assert.equal(narrow.complete, true);
  const wide = await replay({ ...READER, scopes: [...READER.scopes, 'email:send'], allowedDomains: ['echo.example.com', 'other.example.com'] });
  assert.deepEqual(wide.newlyDenied, []);
  assert.ok(wide.newlyAllowed.some(({ host }) => host === 'other.example.com'), JSON.stringify(wide));
  const none = await replay({ scopes: ['email:read'], rateLimits: { 'email:read': { maxPerHour: 1 } } });
  const limit = none.rateLimits.find(({ scope }) => scope === 'email:read');
  assert.ok(limit.attempts >= 2 && limit.refused >= 1, JSON.stringify(none.rateLimits));
});

test('an agent keeps of its own files what its permissions say', async () => {
  const id = await customer.deploy('keeper', {}, { permissions: { scopes: [] } });
  const live = async () => {
    const now = await customer.verdict(id);
    assert.equal(now.deployment.state, 'live', JSON.stringify(now.deployment));
    const container = await until('container', async () => {
      const found = await platform.containerOf(id);
      return found?.State.Running && found;
    });
    return `/proc/${container.State.Pid}/root/state`;
  };
  const allow = async (...scopes) => {
    await customer.must(202, 'PATCH', `/api/agents/${id}`, { permissions: { scopes } });
    return live();
  };
  const restart = async () => {
    await customer.must(202, 'POST', `/api/agents/${id}/restart`, {});
    return live();
  };
  const seeded = (state) => assert.ok(JSON.parse(fs.readFileSync(`${state}/probe.json`)).gatewayToken, 'its configuration is there');
  try {
    let state = await live();
    seeded(state);
    fs.writeFileSync(`${state}/note`, 'gone');
    state = await restart();
    seeded(state);
    assert.equal(fs.existsSync(`${state}/note`), false, 'without a file scope nothing is kept');

    state = await allow('files:write');
    seeded(state);
    fs.writeFileSync(`${state}/note`, 'kept');
    fs.mkdirSync(`${state}/folder`);
    fs.writeFileSync(`${state}/folder/file`, 'in it');
    state = await restart();
    assert.equal(fs.readFileSync(`${state}/note`, 'utf8'), 'kept', 'files:write: it is kept');

    state = await allow('files:read');
    seeded(state);
    assert.equal(fs.readFileSync(`${state}/note`, 'utf8'), 'kept', 'files:read: what was kept is there');
    fs.writeFileSync(`${state}/note`, 'changed');
    fs.writeFileSync(`${state}/more`, 'x');
    fs.rmSync(`${state}/folder`, { recursive: true });
    const filled = spawnSync('dd', ['if=/dev/zero', `of=${state}/big`, 'bs=1M', 'count=64']);
    assert.match(filled.stderr.toString(), /No space left/, 'and what it writes has a bound');
    fs.rmSync(`${state}/big`);
    state = await restart();
    assert.equal(fs.readFileSync(`${state}/note`, 'utf8'), 'kept', 'what it wrote is gone');
    assert.equal(fs.existsSync(`${state}/more`), false);
    assert.equal(fs.readFileSync(`${state}/folder/file`, 'utf8'), 'in it', 'and what it deleted is not');

    state = await allow('files:read', 'files:write');
    assert.equal(fs.readFileSync(`${state}/note`, 'utf8'), 'kept', 'the volume was never touched');
  } finally {
    await customer.remove(id);
  }
  assert.equal(fs.existsSync(`${platform.home}/agents/${id}`), false, 'and all of it goes with the agent');
});
