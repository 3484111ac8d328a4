// The attacks of docs/security/threats.md that the other files do not make, from inside real agents. Each
// has its control: the same attempt where it is allowed, or where nobody stands in its way, succeeds.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { startDnsServer } from '../fakes/dns_server.mjs';
import { startEchoOrigin } from '../fakes/echo_origin.mjs';
import { createServer, describe, listen, readBody, Record } from '../fakes/listening.mjs';
import { caBundle, Customer, Platform, root, sleep, until } from './harness.mjs';

const run = promisify(execFile);
const json = (value) => JSON.stringify(value);
// Long enough that no part of one is in another; each begins with what a truncated answer would show.
const SECRETS = {
  tools: 'tool-9f3b7c1d5e8a2460-real-secret-of-the-tools-host',
  second: 'next-71ac0e4bd92f6835-real-secret-of-the-same-host',
  elsewhere: 'else-c5d80f17a6e2b394-real-secret-of-another-host',
};
const GATEWAY = '10.232.0.1';
const PROXY = ['-x', `http://${GATEWAY}:3128`];
const permissions = { scopes: ['api:outbound', 'files:write'],
  allowedDomains: ['echo.example.com', 'relay.example.com', 'keep.example.com', '*.rebind.example.org'] };

const platform = new Platform();
const started = [];
let authority, echo, keep, inner, first, second, mine, theirs, placeholders;

// An origin that keeps bodies and shows what it was given: /cut?how=&shown=N answers with the first N
// characters of X-Key and then ends in that way.
async function startKeepingOrigin(options) {
  const record = new Record();
  const server = createServer(options, async (request, response) => {
    const body = await readBody(request).catch(() => undefined);
    if (body === undefined) return;
    record.add(describe(request, body));
    const url = new URL(request.url, 'http://origin');
    if (url.pathname !== '/cut') return response.end('kept\n');
    const text = `{"error":"Incorrect API key provided: ${String(request.headers['x-key']).slice(0, Number(url.searchParams.get('shown')))}`;
    const how = url.searchParams.get('how');
    const { socket } = request;
    const head = 'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n';
    const chunk = `${text.length.toString(16)}\r\n${text}\r\n`;
    const answers = {
      length: `${head}Content-Length: 500\r\n\r\n${text}`, chunked: `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`,
      reset: `${head}Content-Length: 500\r\n\r\n${text}`,
    };
    response.detachSocket(socket);
    socket.write(answers[how]);
    await sleep(50);
    if (how === 'reset') (socket._parent ?? socket).resetAndDestroy();
    else socket.end();
  });
  return { record, ...(await listen(server, options)) };
}

const begin = async (server) => { started.push(await server); return started.at(-1); };

// An agent: {id, pid, bundle, address}.
async function agentOf(customer, name, config, more) {
  const id = await customer.deploy(name, config, more);
  const agent = await customer.verdict(id);
  assert.equal(agent.deployment.state, 'live', json(agent));
  const container = await platform.containerOf(id);
  const bundle = caBundle(container);
  const address = platform.sql(`SELECT host(address) FROM agent_observations WHERE agent_id = '${id}'`);
  return { id, customer, pid: container.State.Pid, bundle, address };
}

// Runs a program of this host in an agent's network.
async function within(agent, command, args, timeout = 60_000) {
  try {
    const { stdout, stderr } = await run('nsenter', ['-t', String(agent.pid), '-n', command, ...args],
      { timeout, maxBuffer: 64 << 20, env: { PATH: process.env.PATH, BUNDLE: agent.bundle } });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    return { code: error.code ?? 1, out: error.stdout ?? '', err: error.stderr ?? String(error) };
  }
}

// Runs a piece of JavaScript there, with all of agent_client.mjs; gives what it reports.
async function play(agent, text, timeout) {
  const program = `import * as client from ${json(path.join(root, 'tests/e2e/agent_client.mjs'))};
    const { sleep, report, readUntil, readHead, readToEnd, connect, connectToProxy, secure, connectTls, request } = client;
    ${text}
    process.exit(0);`;
  const done = await within(agent, 'node', ['--input-type=module', '-e', program], timeout);
  assert.equal(done.code, 0, done.err + done.out);
  return JSON.parse(done.out.trim().split('\n').at(-1));
}

// {code: curl's, status, out}; the status is that of the last answer.
async function curl(agent, ...args) {
  const answer = await within(agent, 'curl', ['-sS', '-m', '20', '--cacert', agent.bundle, ...PROXY, '-w', '\n%{http_code}', ...args]);
  return { ...answer, status: answer.out.trimEnd().split('\n').at(-1) };
}

// What the probe answers when it is run inside an agent's container, with its user, filter and limits.
function probe(agent, target) {
  const answer = platform.inside(agent.id, ['probe', 'get', target]);
  try { return JSON.parse(answer.output); } catch { return assert.fail(`${target}: ${json(answer)}`); }
}

// The same without waiting for it.
async function unleash(agent, target) {
  const made = await platform.docker('POST', `/containers/dc-${agent.id}/exec`, { Cmd: ['probe', 'get', target] });
  const { Id } = JSON.parse(made.body);
  assert.equal((await platform.docker('POST', `/exec/${Id}/start`, { Detach: true })).status, 200);
}

const records = async (agent) => (await agent.customer.must(200, 'GET', `/api/agents/${agent.id}/logs?limit=200`)).items;

const allowedAgain = (agent) => until('requests pass', async () => (await curl(agent, 'https://echo.example.com/status/200')).status === '200', 30);

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-threats-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  echo = await begin(startEchoOrigin({ authority, names: ['echo.example.com', 'other.example.com', 'relay.example.com'], host: '127.0.0.3', port: 443 }));
  keep = await begin(startKeepingOrigin({ authority, names: ['keep.example.com'], host: '127.0.0.4', port: 443 }));
  // What an address of the inside would reach.
  inner = await begin(startEchoOrigin({ host: '127.0.0.1', port: 80 }));
  await begin(startDnsServer({ port: 5399, table: { 'metadata.rebind.example.org': { A: ['169.254.169.254'] } } }));
  const hosts = { 'echo.example.com': 3, 'other.example.com': 3, 'relay.example.com': 3, 'keep.example.com': 4 };
  await platform.start([
    `egress.hosts=${Object.entries(hosts).map(([name, last]) => `${name}=127.0.0.${last}`).join(',')}`,
    `egress.extra_roots=${authority.certFile}`, 'egress.nameservers=127.0.0.1:5399']);
  first = await new Customer(platform).join();
  second = await new Customer(platform).join();
  const bound = { tools: ['keep.example.com', 'echo.example.com'], second: ['keep.example.com'], elsewhere: ['other.example.com'] };
  mine = await agentOf(first, 'attacker', {}, { permissions, credentials: Object.entries(bound).map(([name, to]) => (
    { name, kind: 'generic', value: SECRETS[name], hosts: to })) });
  theirs = await agentOf(second, 'neighbour', {}, { permissions });
  placeholders = Object.fromEntries(platform.sql(
    `SELECT name || '|' || placeholder FROM agent_credentials WHERE agent_id = '${mine.id}'`).split('\n').map((l) => l.split('|')));
});

after(async () => {
  try {
    if (mine) await first.remove(mine.id);
    if (theirs) await second.remove(theirs.id);
    assert.equal(await platform.stop(), 0);
  } finally {
    for (const server of started) await server.close();
  }
});

test('4: an answer that breaks off within an echoed key shows nothing of it', async () => {
  const targets = ['length', 'chunked', 'reset'].flatMap((how) => [8, 20, SECRETS.tools.length - 1, SECRETS.tools.length]
    .map((shown) => ({ shown, target: `/cut?how=${how}&shown=${shown}` })));
  const before = keep.record.entries.length;
  const seen = await play(mine, `
    report(await Promise.all(${json(targets)}.map(({ target }) =>
      request('proxy', 'keep.example.com', { target, headers: { 'X-Key': ${json(placeholders.tools)} } }))));`);
  assert.equal(keep.record.entries.length, before + targets.length);
  for (const entry of keep.record.entries.slice(before)) assert.equal(entry.headers['x-key'], SECRETS.tools, 'the key was sent');
  assert.ok(seen.some(({ text }) => text.includes('provided: ')), 'what is before it arrives');
  for (const [i, { target, shown }] of targets.entries()) {
    assert.equal(json(seen[i]).includes(SECRETS.tools.slice(0, 8)), false, `${target}: ${json(seen[i])}`);
    const direct = await run('curl', ['-sS', '--cacert', authority.certFile, '--resolve', 'keep.example.com:443:127.0.0.4',
      `https://keep.example.com${target}`, '-H', `X-Key: ${SECRETS.tools}`]).catch((e) => e);
    assert.ok(direct.stdout.includes(SECRETS.tools.slice(0, shown)), `the control: the server shows it: ${target}`);
  }
});

test('9: an allowed host is no relay to another one', async () => {
  const before = echo.record.entries.length;
  const attempts = {
    'a tunnel in the tunnel': 'CONNECT evil.example.net:443 HTTP/1.1\r\nHost: evil.example.net:443\r\n\r\n',
    'a tunnel in the tunnel to an allowed host': 'CONNECT echo.example.com:443 HTTP/1.1\r\nHost: echo.example.com:443\r\n\r\n',
    'a tunnel to the relay itself': 'CONNECT relay.example.com:443 HTTP/1.1\r\nHost: relay.example.com:443\r\n\r\n',
    'the absolute form': 'GET http://evil.example.net/ HTTP/1.1\r\nHost: evil.example.net\r\n\r\n',
    'the absolute form under the relay’s name': 'GET http://evil.example.net/ HTTP/1.1\r\nHost: relay.example.com\r\n\r\n',
  };
  for (const [what, text] of Object.entries(attempts)) {
    const seen = await play(mine, `
      const socket = await connectTls('proxy', 'relay.example.com');
      socket.write(${json(text)});
      report(await readHead(socket));`);
    assert.match(seen.text, /^HTTP\/1\.1 4\d\d /, what);
  }
  // The usual ports of a proxy on it are shut too.
  for (const port of [3128, 8080, 1080]) {
    const seen = await play(mine, `
      const socket = await connectToProxy();
      socket.write('CONNECT relay.example.com:${port} HTTP/1.1\\r\\nHost: relay.example.com:${port}\\r\\n\\r\\n');
      report(await readHead(socket));`);
    assert.match(seen.text, /^HTTP\/1\.1 403 /, String(port));
  }
  assert.equal(echo.record.entries.length, before, 'nothing arrived');
  const control = await play(mine, `report(await request('proxy', 'relay.example.com', { target: '/echo' }));`);
  assert.equal(control.status, 200, 'the control: the relay itself is reached');
});

test('10: an address is no host, however it is written, and a redirect is no way to one', async () => {
  const before = inner.record.entries.length;
  const literals = ['127.0.0.1', '127.1', '127.0.0.1.', '2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '017700000001', '0',
    '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376',
    '[::ffff:a9fe:a9fe]', '10.232.0.1', 'localhost', 'LOCALHOST.'];
  const seen = await play(mine, `
    const seen = {};
    for (const host of ${json(literals)}) {
      for (const line of ['CONNECT ' + host + ':80', 'CONNECT ' + host + ':443', 'GET http://' + host + '/echo']) {
        const socket = await connectToProxy();
        socket.write(line + ' HTTP/1.1\\r\\nHost: ' + host + '\\r\\n\\r\\n');
        seen[line] = (await readHead(socket)).text.slice(0, 12);
        socket.destroy();
      }
    }
    report(seen);`);
  assert.equal(Object.keys(seen).length, literals.length * 3);
  for (const [line, answer] of Object.entries(seen)) assert.match(answer, /^HTTP\/1\.1 40[03]$/, line);
  // As the name a TLS client asks for, in a tunnel to a host that is allowed.
  const shaken = await play(mine, `
    const seen = {};
    for (const name of ['2130706433', '0x7f000001', '127.1', '0177.0.0.1', 'localhost', 'echo.example.com']) {
      seen[name] = await connect('proxy', 'echo.example.com').then((socket) => secure(socket, name)).then(() => 'open', (e) => 'refused');
    }
    report(seen);`);
  const { 'echo.example.com': good, ...others } = shaken;
  assert.equal(good, 'open', 'the control: its own name');
  for (const [name, how] of Object.entries(others)) assert.equal(how, 'refused', name);
  for (const to of ['http://169.254.169.254/latest/meta-data/', 'http://127.0.0.1/echo', 'http://2130706433/echo', 'http://[::ffff:127.0.0.1]/echo',
    'http://metadata.rebind.example.org/latest/', `http://${GATEWAY}/`]) {
    const answer = await curl(mine, '-g', '-L', `https://echo.example.com/redirect?to=${encodeURIComponent(to)}`);
    assert.match(answer.status, /^40[03]$/, `${to}: ${answer.out}`);
  }
  assert.equal((await curl(mine, '-L', 'https://echo.example.com/redirect?to=/status/200')).status, '200', 'the control: a redirect is followed');
  assert.equal(inner.record.entries.length, before);
  for (const host of ['127.1', '2130706433', '0x7f000001', '0177.0.0.1']) {
    await run('curl', ['-sS', '-m', '5', '--noproxy', '*', `http://${host}/echo`]);
  }
  assert.equal(inner.record.entries.length, before + 4, 'the control: these spellings do lead to what listens inside');
  for (const domain of ['127.0.0.1', '2130706433', '0x7f000001', '[::1]']) {
    const answer = await first.call('PATCH', `/api/agents/${mine.id}`, { permissions: { ...permissions, allowedDomains: [domain] } });
    assert.ok([400, 422].includes(answer.status), `${domain} may not be allowed either: ${answer.status} ${answer.text}`);
  }
});

test('11: a packet with a neighbour’s address is dropped, not taken for the neighbour’s', async () => {
  // A raw socket, which an agent cannot even have: a DNS question from `source` for a name that is refused, and told.
  const ask = (agent, source, name) => within(agent, 'python3', ['-c', `
import socket, struct
labels = b''.join(bytes([len(l)]) + l.encode() for l in '${name}'.split('.')) + b'\\0'
dns = bytes([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + labels + bytes([0, 1, 0, 1])
udp = struct.pack('!HHHH', 40000, 53, 8 + len(dns), 0) + dns
ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton('${source}'), socket.inet_aton('9.9.9.9'))
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
s.sendto(ip + udp, ('9.9.9.9', 0))`]);
  const told = async (agent, name) => (await records(agent)).some((e) => e.target === name);
  assert.equal((await ask(mine, theirs.address, 'spoofed.evil.example.net')).code, 0);
  // Packets of one path keep their order: when this one has been answered for, so has the one before it.
  const sent = await ask(mine, mine.address, 'own.evil.example.net');
  assert.equal(sent.code, 0, sent.err);
  await until('the control: the same packet with its own address is told', () => told(mine, 'own.evil.example.net'), 15);
  assert.equal((await ask(theirs, theirs.address, 'theirs.evil.example.net')).code, 0);
  await until('the control: the neighbour’s own is the neighbour’s', () => told(theirs, 'theirs.evil.example.net'), 15);
  for (const agent of [mine, theirs]) assert.equal(await told(agent, 'spoofed.evil.example.net'), false);
});

test('12: no key of an authority, no secret and no log of ours is in the container', async () => {
  const holding = (text) => probe(mine, `/escape/walk?needle=${encodeURIComponent(text)}`).holding;
  assert.ok(holding('BEGIN CERTIFICATE').some((f) => f.includes('ca-bundle')), 'the control: it finds what is there');
  for (const text of ['PRIVATE KEY', ...Object.values(SECRETS), 'deployclaw_egress']) assert.deepEqual(holding(text), [], text);
  const { mounts } = probe(mine, '/mounts');
  const targets = mounts.map((m) => m.split(' ')[1]).filter((t) => !/^\/(proc|sys|dev)(\/|$)/.test(t));
  const container = await platform.containerOf(mine.id);
  // docker-init is the engine's own first process.
  const expected = ['/', '/state', '/tmp', '/sbin/docker-init', ...container.Mounts.map((m) => m.Destination), '/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];
  for (const target of targets) assert.ok(expected.includes(target), `${target} is mounted`);
  for (const { Source: source } of container.Mounts) assert.ok(source.includes(mine.id), `${source} is the agent’s own`);
});

test('14: another customer’s placeholder is nothing', async () => {
  const send = (agent) => play(agent, `report(await request('proxy', 'keep.example.com', { target: '/who',
    headers: { 'X-Key': ${json(placeholders.tools)}, 'X-Forwarded-For': ${json(mine.address)}, 'Proxy-Authorization': 'Basic ${mine.id}' } }));`);
  assert.equal((await send(mine)).status, 200);
  assert.equal(keep.record.entries.at(-1).headers['x-key'], SECRETS.tools, 'the control: the owner’s is replaced');
  const before = keep.record.entries.length;
  const known = new Set((await records(mine)).map((e) => e.seq));
  const seen = await send(theirs);
  for (const entry of keep.record.entries.slice(before)) assert.equal(json(entry).includes(SECRETS.tools), false, json(seen));
  await until('it is the neighbour’s in the log', async () => (await records(theirs)).some((e) => json(e).includes('keep.example.com')), 15);
  const late = (await records(mine)).filter((e) => !known.has(e.seq) && e.outcome !== 'success');
  assert.deepEqual(late, [], 'nothing of it is the owner’s');
});

test('15: a host has one name: the same in other letters is the same, a look-alike is another', async () => {
  const heads = (hosts) => play(mine, `
    const seen = {};
    for (const host of ${json(hosts)}) {
      const socket = await connectToProxy();
      socket.write('CONNECT ' + host + ':443 HTTP/1.1\\r\\nHost: ' + host + ':443\\r\\n\\r\\n');
      seen[host] = (await readHead(socket)).text.slice(0, 12);
      socket.destroy();
    }
    report(seen);`);
  const same = await heads(['echo.example.com', 'ECHO.Example.COM', 'echo.example.com.']);
  for (const [host, answer] of Object.entries(same)) assert.equal(answer, 'HTTP/1.1 200', `the control: ${host}`);
  const others = await heads(['other.example.com', 'OTHER.example.com.', '\u0435cho.example.com', 'xn--cho-8cd.example.com', 'echo\u3002example\u3002com',
    'echo.example\uff0ecom', '\uff45cho.example.com', 'echo.example.com.evil.example.net', 'echo.example.com%2eevil.example.net', 'echo.example.com@evil.example.net',
    'evil.example.net#echo.example.com', 'evil.example.net/echo.example.com', 'echo..example.com', '.echo.example.com', 'echo.example.com..', 'echo%2eexample.com', 'e%63ho.example.com']);
  for (const [host, answer] of Object.entries(others)) assert.match(answer, /^HTTP\/1\.1 40[03]$/, host);
});

test('16: chunks that two readers could read differently, and heads without end, are refused', async () => {
  // Both are JavaScript, as some are too long for a command line.
  const post = (body, fields = "''") => play(mine, `
    const socket = await connectTls('proxy', 'keep.example.com');
    socket.write('POST /chunks HTTP/1.1\\r\\nHost: keep.example.com\\r\\nConnection: close\\r\\nTransfer-Encoding: chunked\\r\\n' + ${fields} + '\\r\\n' + ${body});
    report(await readHead(socket));`);
  const whole = () => keep.record.entries.filter((e) => e.target === '/chunks').length;
  assert.match((await post(json('4\r\nabcd\r\n0\r\n\r\n'))).text, /^HTTP\/1\.1 200 /, 'the control');
  const extended = await post(json('4;name="a;b"\r\nabcd\r\n0;last\r\n\r\n'));
  if (extended.text.startsWith('HTTP/1.1 200 ')) assert.equal(keep.record.entries.at(-1).body, 'abcd', 'an extension is no data');
  else assert.match(extended.text, /^HTTP\/1\.1 400 /);
  const before = whole();
  for (const body of ['0x4\r\nabcd\r\n0\r\n\r\n', '+4\r\nabcd\r\n0\r\n\r\n', '-4\r\nabcd\r\n0\r\n\r\n', '4\nabcd\n0\n\n', '4 \r\nabcd\r\n0\r\n\r\n', '4;a\nb\r\nabcd\r\n0\r\n\r\n',
    '10000000000000004\r\nabcd\r\n0\r\n\r\n', '4\r\nabcdX\r\n0\r\n\r\n', '4;a="\r\n"\r\nabcd\r\n0\r\n\r\n']) {
    assert.match((await post(json(body))).text, /^HTTP\/1\.1 400 /, body);
  }
  assert.match((await post("'4;' + 'e'.repeat(100_000) + '\\r\\nabcd\\r\\n0\\r\\n\\r\\n'")).text, /^HTTP\/1\.1 400 /);
  assert.match((await post("''", "'X-Long: ' + 'a'.repeat(300_000) + '\\r\\n'")).text, /^HTTP\/1\.1 431 /);
  assert.match((await post("''", "Array.from({ length: 2000 }, (_, i) => 'X-' + i + ': a\\r\\n').join('')")).text, /^HTTP\/1\.1 4(00|31) /);
  assert.equal(whole(), before, 'none of it arrived as a request');
});

test('17: a secret for a field is not put into a body, however it is sent', async () => {
  const { tools } = placeholders;
  // Two requests of one connection: the first with the placeholder at its place, the second with `text` in
  // its body, cut in the middle of it.
  const send = (text) => play(mine, `
    const socket = await connectTls('proxy', 'keep.example.com');
    const text = ${json(text)};
    const answers = readToEnd(socket);
    socket.write('GET /first HTTP/1.1\\r\\nHost: keep.example.com\\r\\nX-Key: ${tools}\\r\\n\\r\\n' +
      'POST /second HTTP/1.1\\r\\nHost: keep.example.com\\r\\nConnection: close\\r\\nX-Key: ${tools}\\r\\nContent-Length: ' + text.length + '\\r\\n\\r\\n' + text.slice(0, 20));
    for (let at = 20; at < text.length; at += 9) { await sleep(30); socket.write(text.slice(at, at + 9)); }
    report((await answers).text.match(/HTTP\\/1\\.1 \\d+/g));`);
  keep.record.clear();
  assert.deepEqual(await send(`{"note": "${tools}"}`), ['HTTP/1.1 200', 'HTTP/1.1 403']);
  assert.deepEqual(keep.record.entries.map((e) => e.target), ['/first'], 'only the first arrived');
  assert.equal(keep.record.entries[0].headers['x-key'], SECRETS.tools);
  const harmless = `{"note": "${'x'.repeat(tools.length)}"}`;
  assert.deepEqual(await send(harmless), ['HTTP/1.1 200', 'HTTP/1.1 200'], 'the control');
  assert.equal(keep.record.entries.at(-1).body, harmless);
});

test('18: of two secrets for one host each placeholder gives its own; one for another host gives none', async () => {
  const send = (headers) => play(mine, `report(await request('proxy', 'keep.example.com', { target: '/two', headers: ${json(headers)} }));`);
  const got = () => keep.record.entries.at(-1).headers;
  await send({ 'X-Key': placeholders.tools });
  assert.equal(got()['x-key'], SECRETS.tools);
  await send({ 'X-Key': placeholders.second });
  assert.equal(got()['x-key'], SECRETS.second);
  await send({ 'X-One': placeholders.second, 'X-Two': placeholders.tools });
  assert.deepEqual([got()['x-one'], got()['x-two']], [SECRETS.second, SECRETS.tools]);
  const before = keep.record.entries.length;
  assert.equal((await send({ 'X-Key': placeholders.elsewhere })).status, 403);
  assert.equal((await send({ 'X-Key': placeholders.tools, 'X-Two': placeholders.elsewhere })).status, 403);
  assert.equal(keep.record.entries.length, before);
});

// All processes of a service, its children too.
function processesOf(name) {
  const main = platform.pid(name);
  const children = execFileSync('bash', ['-c', `pgrep -P ${main} || true`]).toString().trim().split('\n').filter(Boolean).map(Number);
  return [main, ...children];
}
function signal(pids, what) {
  for (const pid of pids) { try { process.kill(pid, what); } catch { /* gone */ } }
}

for (const service of ['postgres', 'vault']) {
  test(`22: with the ${service} away egress begins with nothing allowed`, async () => {
    await allowedAgain(mine);
    const away = processesOf(service);
    const before = keep.record.entries.length;
    signal(away, 'SIGSTOP');
    try {
      const old = platform.pid('egress');
      process.kill(old, 'SIGKILL');
      await until('another egress', () => { const now = platform.pid('egress'); return now && now !== old; }, 20);
      for (let i = 0; i < 3; ++i) {
        const answer = await curl(mine, '-m', '3', 'https://keep.example.com/away', '-H', `X-Key: ${placeholders.tools}`);
        assert.notEqual(answer.status, '200', answer.out);
        await sleep(500);
      }
      assert.equal(keep.record.entries.length, before, 'nothing arrived');
    } finally {
      signal(away, 'SIGCONT');
    }
    await allowedAgain(mine);
    assert.equal((await curl(mine, 'https://keep.example.com/back', '-H', `X-Key: ${placeholders.tools}`)).status, '200', 'the control: it was only away');
    assert.equal(keep.record.entries.at(-1).headers['x-key'], SECRETS.tools);
  });
}

test('23: an agent that takes all it can get is held, and its neighbour and the log do not feel it', async () => {
  const bad = await agentOf(second, 'bad', { print: 'flood', printCount: -1 }, { permissions });
  const full = probe(bad, '/do/fill?path=/state/big');
  assert.equal(full.error, 'ENOSPC');
  assert.ok(full.amount < 20e6, `${full.amount} bytes`);
  const memory = probe(bad, '/do/fill?path=/tmp/big');
  assert.ok(['ENOSPC', ''].includes(memory.error) && memory.amount <= 17e6, json(memory));
  const files = probe(bad, '/do/descriptors');
  assert.equal(files.error, 'EMFILE', json(files));
  const marks = Array.from({ length: 10 }, (_, i) => `/status/2${String(i).padStart(2, '0')}`.replace(/\/status\/20[45]/, '/status/210'));
  const feelsNothing = async (some) => {
    for (const mark of some) {
      const answer = await curl(mine, '-m', '10', `https://echo.example.com${mark}`);
      assert.equal(answer.code, 0, answer.err);
      await sleep(300);
    }
  };
  // Memory before processes: where none is left, the engine has no room to start the bomb either.
  await unleash(bad, '/do/memorybomb');
  await feelsNothing(marks.slice(0, 5));
  // While the bomb still holds the memory, or took the container down, the engine may start nothing.
  const processes = await until('the engine starts a process beside the bomb', () => {
    try { return probe(bad, '/do/processes?count=200'); } catch { return undefined; }
  }, 30);
  assert.ok(processes.amount > 0 && processes.amount < 32, json(processes));
  await unleash(bad, '/do/forkbomb').catch(() => {});   // no room for another process is an answer too
  await feelsNothing(marks.slice(5));
  const pids = fs.readFileSync('/proc/loadavg', 'utf8').split(' ')[3].split('/')[1];
  assert.ok(Number(pids) < 5000, `${pids} tasks on the host`);
  await until('the records', async () => {
    const told = json(await records(mine));
    return [...new Set(marks)].every((mark) => told.includes(mark));
  }, 20);
  const logs = execFileSync('bash', ['-c', `du -sb ${platform.home}/docker/containers | cut -f1`]).toString();
  assert.ok(Number(logs) < 200e6, `${logs} bytes of output are kept`);
  await second.remove(bad.id);
});

test('24: every request that arrived anywhere is in the log, whatever was killed meanwhile', async (t) => {
  const mark = `load${Date.now()}`;
  const workers = () => execFileSync('ps', ['-eo', 'pid=,uid=']).toString().trim().split('\n').map((l) => l.trim().split(/\s+/))
    .filter(([, uid]) => Number(uid) >= 1900000000 && Number(uid) < 1900010000).map(([pid]) => Number(pid));
  const running = play(mine, `
    const end = Date.now() + 12000;
    let good = 0, next = 0;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (Date.now() < end) {
        const answer = await request('proxy', 'echo.example.com', { target: '/echo/${mark}-' + next++ + '-' }).catch(() => undefined);
        if (answer?.status === 200) ++good; else await sleep(50);
      }
    }));
    report({ good, next });`);
  for (const victims of [workers, () => [platform.pid('egress')], () => processesOf('postgres'), () => [platform.pid('egress'), ...workers()]]) {
    await sleep(2500);
    signal(victims().filter(Boolean), 'SIGKILL');
  }
  const load = await running;
  await until('egress and the database are back', () => allowedAgain(mine).catch(() => false), 60);
  const arrived = new Set(echo.record.entries.map((e) => e.target.match(new RegExp(`${mark}-\\d+-`))?.[0]).filter(Boolean));
  assert.ok(load.good > 20 && arrived.size > 20, json(load));
  assert.ok(load.next > load.good, 'the control: something was cut off');
  const told = () => platform.sql(`SELECT coalesce(target, '') || ' ' || metadata::text FROM audit_logs WHERE agent_id = '${mine.id}'`);
  let missing;
  await until('all of them are told', () => {
    const text = told();
    missing = [...arrived].filter((id) => !text.includes(id));
    return missing.length === 0;
  }, 40).catch(() => {});
  assert.deepEqual(missing, [], `of ${arrived.size}`);
  assert.equal(told().includes(`${mark}-${load.next}-`), false, 'the control: what was never sent is not told');
  const open = () => platform.sql(`SELECT count(*) FROM audit_logs p WHERE agent_id = '${mine.id}' AND outcome::text = 'pending' AND NOT EXISTS
    (SELECT FROM audit_logs e WHERE e.agent_id = p.agent_id AND e.seq > p.seq AND e.metadata->>'intent' = p.metadata->>'intent')`);
  await until('what had no outcome yet has one', () => open() === '0', 20);
  t.diagnostic(`${arrived.size} arrived, ${load.good} were answered; ` + platform.sql(
    `SELECT string_agg(outcome || ' ' || n, ', ') FROM (SELECT outcome::text, count(*) n FROM audit_logs WHERE position('${mark}' in coalesce(target, '') || metadata::text) > 0 GROUP BY 1) o`));
});

test('25: nothing in the container leads out of it', async () => {
  // The agent itself is asked, as it has a filter of its own on top of what all of its container has.
  const inside = await (await fetch(`http://${mine.address}:18789/escape/calls`)).json();
  const program = `/proc/${mine.pid}/root/usr/local/bin/probe`;
  const outside = JSON.parse(execFileSync(program, ['get', '/escape/calls']).toString());
  const refused = ['EPERM', 'EACCES', 'ENOSYS', 'EAFNOSUPPORT', 'KILLED'];
  const told = Object.keys(inside).filter((name) => !refused.includes(outside[name]));
  assert.ok(told.length > 20, `the control: outside these get further: ${json(outside)}`);
  assert.deepEqual(Object.entries(inside).filter(([, how]) => !refused.includes(how)), []);

  const clean = probe(mine, '/escape/walk');
  const { privileged, devices, writable, sockets } = clean;
  assert.deepEqual({ privileged, devices, writable, sockets }, { privileged: [], devices: [], writable: [], sockets: [] });
  // The control: what the host puts there is found.
  const state = `/proc/${mine.pid}/root/state`;
  fs.writeFileSync(`${state}/suid`, 'x');
  fs.chmodSync(`${state}/suid`, 0o4755);
  execFileSync('mknod', [`${state}/disk`, 'b', '7', '0']);
  const found = probe(mine, '/escape/walk');
  assert.deepEqual([found.privileged, found.devices], [['/state/suid'], ['/state/disk']]);
  for (const name of ['suid', 'disk']) fs.rmSync(`${state}/${name}`);
  for (const file of ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/kcore', '/sys/kernel/uevent_helper', '/usr/local/bin/probe', '/etc/passwd']) {
    assert.equal(probe(mine, `/write?path=${file}`).ok, false, file);
  }
  assert.equal(probe(mine, '/write?path=/state/own').ok, true, 'the control: its own volume');
});
