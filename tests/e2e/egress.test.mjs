// The agents' way out, from inside a real agent's network: what the policy admits gets through with
// the real key, which never comes back; everything else is refused, and told in the audit log.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { content, startEchoOrigin } from '../fakes/echo_origin.mjs';
import { startDnsServer } from '../fakes/dns_server.mjs';
import { encodings } from '../fakes/encodings.mjs';
import { startModelServer } from '../fakes/model_server.mjs';
import { caBundle, Customer, Platform, sleep, until, whole } from './harness.mjs';

const run = promisify(execFile);
const KEY = 'sk-real-openai-key-0123456789abcdefghijklmnopqrstuvwxyz';
const platform = new Platform();
let customer, authority, models, echo, plain, dns, agent, placeholder, pid, bundle;

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

// How many requests have come to the servers outside: a refusal must leave it as it is.
const asked = () => [models, echo, plain].map(({ record }) => record.entries.length);

async function audit(match, seconds = 10) {
  return until('audit record', async () => {
    const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`);
    return whole(log.items).find(match);
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
  plain = await startEchoOrigin({ host: '127.0.0.3', port: 80 });
  dns = await startDnsServer({ port: 5399, table: {
    'private.rebind.example.org': { A: ['10.0.0.5'] }, 'loopback.rebind.example.org': { A: ['127.0.0.1'] },
    'metadata.rebind.example.org': { A: ['169.254.169.254'] },
    'mixed.rebind.example.org': { A: ['93.184.216.34', '192.168.1.1'] } } });
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
  bundle = caBundle(container);
  placeholder = platform.sql(`SELECT placeholder FROM agent_credentials WHERE agent_id = '${agent}'`);
});

after(async () => {
  if (agent) await customer.remove(agent);
  assert.equal(await platform.stop(), 0);
  await models?.close();
  await echo?.close();
  await plain?.close();
  await dns?.close();
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

// A one-line program of this host's Node in the agent's network.
const script = (text) => within('node', '--input-type=module', '-e', text);
// Sends raw bytes to the proxy and gives all that comes back.
const raw = async (text, port = 3128, host = '10.232.0.1') => {
  const answer = await script(`
    import net from 'node:net';
    const s = net.connect(${port}, '${host}');
    s.on('error', (e) => { console.log('ERROR ' + e.code); process.exit(0); });
    s.on('data', (d) => process.stdout.write(d));
    s.on('close', () => process.exit(0));
    s.write(${JSON.stringify(text)});
    setTimeout(() => process.exit(0), 3000);`);
  return answer.out;
};
const ask = (name, type = 1) => script(`
  import dgram from 'node:dgram';
  const s = dgram.createSocket('udp4');
  const labels = ${JSON.stringify(name)}.split('.').flatMap((l) => [l.length, ...Buffer.from(l)]);
  s.send(Buffer.from([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, ${type}, 0, 1]), 53, '9.9.9.9');
  s.on('message', (m) => { const a = m[7] ? [...m.subarray(m.length - 4)].join('.') : '';
    console.log(JSON.stringify({ code: m[3] & 15, answers: m[7], address: a })); process.exit(0); });
  setTimeout(() => { console.log('{}'); process.exit(0); }, 3000);`).then((a) => JSON.parse(a.out));

test('what the policy does not admit is refused, machine-readably, and told', async () => {
  const before = asked();
  const answer = await within('curl', '-sS', ...PROXY, '-o', '/dev/null', '-D', '-', 'https://evil.example.net/');
  assert.match(answer.out, /^HTTP\/1.1 403/);
  const refusal = await raw('CONNECT evil.example.net:443 HTTP/1.1\r\nHost: evil.example.net:443\r\n\r\n');
  const problem = JSON.parse(refusal.split('\r\n\r\n')[1]);
  assert.equal(problem.code, 'egress_denied');
  assert.equal(problem.layer, 'domain');
  assert.equal(problem.host, 'evil.example.net');
  await audit((e) => e.outcome === 'denied' && e.target === 'evil.example.net');
  assert.deepEqual(asked(), before);
});

test('a name that is not admitted is never looked up; one that is has an address that leads here', async () => {
  assert.deepEqual(await ask('secret-data.evil.example.net'), { code: 3, answers: 0, address: '' });
  assert.equal(dns.count('secret-data.evil.example.net'), 0);
  await audit((e) => e.actionType === 'name_refused' && e.target === 'secret-data.evil.example.net');
  const good = await ask('echo.example.com');
  assert.match(good.address, /^198\.1[89]\./);
  // A tool that knows no proxy.
  const plain = await curl('--resolve', `echo.example.com:443:${good.address}`, 'https://echo.example.com/echo');
  assert.equal(status(plain), '200', plain.err);
  // An address that stands for nothing, and the server name of another host.
  assert.notEqual((await curl('-m', '5', '--resolve', 'echo.example.com:443:198.19.255.1', 'https://echo.example.com/')).code, 0);
  const fronted = await curl('--resolve', `other.example.com:443:${good.address}`, 'https://other.example.com/');
  assert.notEqual(fronted.code, 0);
  await audit((e) => e.actionType === 'connection_refused' && e.metadata.layer === 'tls');
});

test('names that resolve to addresses of the inside are not dialled', async () => {
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions: {
    scopes: ['api:outbound'], allowedDomains: ['echo.example.com', '*.rebind.example.org'] } });
  await sleep(1000);
  for (const name of ['private', 'loopback', 'metadata', 'mixed']) {
    const answer = await curl(...PROXY, `http://${name}.rebind.example.org/`);
    assert.equal(status(answer), '403', `${name}: ${answer.out}`);
    assert.match(body(answer), /upstream_address/);
  }
});

test('hosts must agree: connection, server name, target and Host', async () => {
  const before = asked();
  const answer = await curl(...PROXY, 'https://echo.example.com/echo', '-H', 'Host: other.example.com');
  assert.equal(status(answer), '403');
  assert.match(body(answer), /authority_mismatch/);
  assert.deepEqual(asked(), before);
});

test('framing that two readers could read differently is refused', async () => {
  const before = asked();
  const head = 'POST http://echo.example.com/echo HTTP/1.1\r\nHost: echo.example.com\r\n';
  for (const [what, text] of [
    ['length and chunks', head + 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', head + 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'],
    ['a bare newline', head.replace('\r\nHost', '\nHost') + '\r\n'],
    ['a folded line', head + 'X: a\r\n b\r\n\r\n'],
    ['a space before the colon', head + 'X : a\r\n\r\n'],
    ['two hosts', head + 'Host: other.example.com\r\n\r\n']]) {
    assert.match(await raw(text), /^HTTP\/1.1 400/, what);
  }
  assert.deepEqual(asked(), before);
  // The control: the same head without the ambiguity gets there.
  assert.match(await raw(head + 'Content-Length: 4\r\n\r\nabcd'), /^HTTP\/1.1 200/);
});

test('paths have one form: what dodges a rule is refused', async () => {
  const before = asked();
  for (const dodge of ['/v1/chat/..%2forganization', '/v1//models', '/v1/%2e%2e/x', '/v1/chat/completions;x=/../y',
    '/v1/%252e%252e/x', '/v1/models%00', '/v1\\\\models']) {
    const answer = await curl(...PROXY, '--path-as-is', `https://api.openai.com${dodge}`, '-H', `Authorization: Bearer ${placeholder}`);
    assert.ok(['400', '403'].includes(status(answer)), `${dodge}: ${answer.out}`);
  }
  const admin = await curl(...PROXY, 'https://api.openai.com/v1/organization/admin_api_keys', '-H', `Authorization: Bearer ${placeholder}`);
  assert.equal(status(admin), '403');
  assert.deepEqual(asked(), before);
});

test('a placeholder is replaced at its place only, and a real key never leaves by the agent', async () => {
  const chat = JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: `my key is ${placeholder}` }] });
  const call = (extra, data) => curl(...PROXY, 'https://api.openai.com/v1/chat/completions', '-H', 'Content-Type: application/json', ...extra, '-d', data);
  const before = asked();
  assert.equal(status(await call(['-H', `Authorization: Bearer ${placeholder}`], chat)), '403');
  assert.equal(status(await call(['-H', `X-Other: ${placeholder}`], JSON.stringify({ model: 'gpt-5.4-mini', messages: [] }))), '403');
  assert.equal(status(await curl(...PROXY, 'https://echo.example.com/echo', '-H', `Authorization: Bearer ${placeholder}`)), '403');
  assert.equal(status(await curl(...PROXY, `https://echo.example.com/echo?k=${placeholder}`)), '403');
  const stolen = await curl(...PROXY, 'https://echo.example.com/echo', '-H', `X-Stolen: ${KEY}`);
  assert.equal(status(stolen), '403');
  assert.equal(status(await curl(...PROXY, 'https://echo.example.com/echo', '-d', Buffer.from(KEY).toString('base64'))), '403');
  assert.deepEqual(asked(), before);
});

// The key in that disguise, as it stands or inside a JSON string.
function showsKey(text, encoding) {
  const disguise = encodings[encoding](KEY).toString();
  // base64 of a longer text shares the characters that the key alone determines.
  const core = encoding.startsWith('base64') ? disguise.slice(4, -4) : disguise;
  return text.includes(core) || text.includes(JSON.stringify(core).slice(1, -1));
}

test('a key that an allowed host echoes comes back as the placeholder, in every disguise', async () => {
  const cases = [];
  for (const encoding of Object.keys(encodings)) cases.push({ where: 'body', encoding });
  for (const coding of ['gzip', 'br', 'deflate', 'zstd']) cases.push({ where: 'body', encoding: 'literal', coding });
  for (const splitAt of [1, 3, 20, 50]) cases.push({ where: 'body', encoding: 'literal', splitAt, pause: 20 });
  cases.push({ where: 'body', encoding: 'base64', splitEvery: 1 }, { where: 'header', encoding: 'literal' },
    { where: 'header', encoding: 'percent' }, { where: 'error', encoding: 'literal' });
  for (const echoed of cases) {
    for (const stream of [false, true]) {
      models.behaviour.echo = echoed;
      if (echoed.where !== 'error') {
        // The control: asked without the gateway, the very same server does show the key.
        const direct = await run('curl', ['-sS', '--compressed', '-D', '-', '--cacert', authority.certFile,
          '--resolve', 'api.openai.com:443:127.0.0.2', 'https://api.openai.com/v1/chat/completions', '-H', `Authorization: Bearer ${KEY}`,
          '-d', JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'hi' }] })]);
        assert.ok(showsKey(direct.stdout, echoed.encoding), `the server shows it: ${JSON.stringify(echoed)}`);
      }
      const answer = await curl(...PROXY, '--compressed', '-D', '-', 'https://api.openai.com/v1/chat/completions',
        '-H', `Authorization: Bearer ${placeholder}`, '-H', 'Content-Type: application/json',
        '-d', JSON.stringify({ model: 'gpt-5.4-mini', stream, messages: [{ role: 'user', content: 'hi' }] }));
      const what = JSON.stringify(echoed) + answer.err;
      assert.ok(['200', '401'].includes(status(answer)), what);
      assert.equal(answer.out.includes(KEY), false, what);
      assert.equal(showsKey(answer.out, echoed.encoding), false, what);
    }
  }
  models.behaviour.echo = undefined;
  const record = await audit((e) => e.metadata?.scrubbed?.length > 0);
  assert.equal(record.metadata.scrubbed[0].credential, 'openai');
});

test('addresses that stand for no admitted name are not reached', async () => {
  for (const target of ['10.232.0.1:5432', '10.232.0.1:22', '1.1.1.1:443', '169.254.169.254:80']) {
    const [host, port] = target.split(':');
    const answer = await curl('-m', '3', `http://${host}:${port}/`);
    assert.notEqual(answer.code, 0, `${target}: ${answer.out}`);
  }
});

test('bodies of any size and kind pass, streamed', async () => {
  const tool = `curl -sS --cacert ${bundle} ${PROXY.join(' ')}`;
  const big = await within('bash', '-c', `set -o pipefail; head -c 100000000 /dev/zero | ${tool} -T - https://echo.example.com/sink`);
  assert.equal(big.code, 0, big.err);
  assert.equal(JSON.parse(big.out).bytes, 100_000_000);
  const down = await within('bash', '-c', `set -o pipefail; ${tool} https://echo.example.com/bytes/100000000 | sha256sum`);
  assert.equal(down.code, 0, down.err);
  assert.equal(down.out.slice(0, 64), createHash('sha256').update(content(100_000_000)).digest('hex'));
  const events = await curl(...PROXY, '-N', 'https://echo.example.com/sse?events=5&every=50');
  assert.equal(status(events), '200');
  assert.equal((body(events).match(/^data:/gm) ?? []).length, 5);
  const chunked = await curl(...PROXY, 'https://echo.example.com/echo', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue', '-d', 'x'.repeat(5000));
  assert.equal(status(chunked), '200', chunked.err);
});

test('a new policy ends what the old one allowed within a second', async () => {
  const running = within('curl', '-sS', '-N', '-m', '60', '--cacert', bundle, ...PROXY, 'https://echo.example.com/sse?events=0&every=100');
  await sleep(1500);
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions: { scopes: [], allowedDomains: [] } });
  const ended = await running;
  assert.notEqual(ended.code, 0, 'the stream was cut');
  assert.notEqual(ended.code, 28, 'by egress, not by the client’s own patience');
  assert.match(ended.out, /^data:/m, 'it had run');
  assert.equal(status(await curl(...PROXY, 'http://echo.example.com/echo')), '403');
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions: {
    scopes: ['api:outbound'], allowedDomains: ['echo.example.com'] } });
  await until('allowed again', async () => status(await curl(...PROXY, 'https://echo.example.com/echo')) === '200', 10);
});

test('a suspended client reaches nothing', async () => {
  platform.sql(`UPDATE clients SET status = 'suspended' WHERE id = (SELECT client_id FROM agents WHERE id = '${agent}')`);
  await until('denied', async () => status(await curl(...PROXY, 'http://echo.example.com/echo')) === '403', 5);
  platform.sql(`UPDATE clients SET status = 'active' WHERE id = (SELECT client_id FROM agents WHERE id = '${agent}')`);
  await until('allowed', async () => status(await curl(...PROXY, 'https://echo.example.com/echo')) === '200', 5);
});

test('while the database is away requests pass, and their records come later', async () => {
  // No other test asks with this method, so these are this request's own records.
  const count = () => platform.sql(`SELECT count(*) FROM audit_logs WHERE agent_id = '${agent}' AND metadata->>'method' = 'OPTIONS'`);
  assert.equal(count(), '0');
  const postgres = platform.pid('postgres');
  const pids = [postgres, ...execFileSync('pgrep', ['-P', String(postgres)]).toString().trim().split('\n').map(Number)];
  for (const one of pids) { try { process.kill(one, 'SIGSTOP'); } catch { /* gone */ } }
  const answer = await curl(...PROXY, '-X', 'OPTIONS', 'https://echo.example.com/echo');
  for (const one of pids) { try { process.kill(one, 'SIGCONT'); } catch { /* gone */ } }
  assert.equal(status(answer), '200', answer.err);
  await until('the record arrives', () => count() === '1', 20);
});

test('a worker is shut in, and its end is its own client’s alone', async () => {
  const workers = () => execFileSync('ps', ['-eo', 'pid=,uid=,comm=']).toString().split('\n').map((l) => l.trim().split(/\s+/))
    .filter(([, uid]) => Number(uid) >= 1900000000 && Number(uid) < 1900010000).map(([p]) => Number(p));
  const mine = workers();
  assert.ok(mine.length >= 1);
  const state = fs.readFileSync(`/proc/${mine[0]}/status`, 'utf8');
  for (const line of ['Seccomp:\t2', 'NoNewPrivs:\t1', 'CapEff:\t0000000000000000', 'CapPrm:\t0000000000000000']) {
    assert.ok(state.includes(line), line);
  }
  const mounts = fs.readFileSync(`/proc/${mine[0]}/mountinfo`, 'utf8').trim().split('\n');
  assert.equal(mounts.length, 1, mounts.join('\n'));
  assert.match(mounts[0], / \/ \/ ro,.*tmpfs/);
  assert.deepEqual(fs.readdirSync(`/proc/${mine[0]}/root/`), []);
  const files = fs.readdirSync(`/proc/${mine[0]}/fd`).map((f) => fs.readlinkSync(`/proc/${mine[0]}/fd/${f}`))
    .filter((f) => !/^(socket|anon_inode|pipe):|^\/dev\/null/.test(f) && !f.endsWith('egress.log'));
  assert.deepEqual(files, [], 'no file but its log');

  const other = await new Customer(platform).join();
  const theirs = await other.deploy('other', {}, { permissions: { scopes: ['api:outbound'], allowedDomains: ['echo.example.com'] } });
  assert.equal((await other.verdict(theirs)).deployment.state, 'live');
  const container = await platform.containerOf(theirs);
  const theirBundle = caBundle(container);
  const stream = run('nsenter', ['-t', String(container.State.Pid), '-n', 'curl', '-sS', '-N', '--cacert', theirBundle, ...PROXY,
    'https://echo.example.com/sse?events=30&every=100'], { timeout: 60_000 });
  await until('their worker', () => workers().length > mine.length, 10);
  process.kill(mine[0], 'SIGSEGV');
  const lived = await stream;
  assert.equal((lived.stdout.match(/^data:/gm) ?? []).length, 30, 'the other client’s stream ran on');
  await until('restarted', async () => status(await curl(...PROXY, 'https://echo.example.com/echo')) === '200', 10);
  // Another client's placeholder is nothing here, and its authority is not believed.
  const foreign = await run('nsenter', ['-t', String(container.State.Pid), '-n', 'curl', '-sS', '--cacert', bundle, ...PROXY,
    'https://echo.example.com/']).catch((e) => e);
  assert.equal(foreign.code, 60, 'curl: the certificate is not from an authority it believes');
  await other.remove(theirs);
});

test('no key is anywhere that an agent or a reader of logs could look', async () => {
  for (const name of fs.readdirSync(path.join(platform.home, 'log'))) {
    assert.equal(fs.readFileSync(path.join(platform.home, 'log', name), 'utf8').includes(KEY), false, name);
  }
  assert.equal(platform.sql(`SELECT count(*) FROM audit_logs WHERE metadata::text LIKE '%${KEY}%' OR target LIKE '%${KEY}%'`), '0');
  assert.equal(JSON.stringify(await platform.containerOf(agent)).includes(KEY), false);
  for (const file of fs.readdirSync(path.join(platform.home, 'egress/spool'))) {
    assert.equal(fs.readFileSync(path.join(platform.home, 'egress/spool', file), 'latin1').includes(KEY), false, file);
  }
});
