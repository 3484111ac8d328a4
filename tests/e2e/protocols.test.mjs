// What agents speak besides plain requests, from inside a real agent's network: WebSockets, the
// chat services, mail, and the edges of HTTP/1.1.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { startDiscordServer } from '../fakes/discord_server.mjs';
import { startEchoOrigin } from '../fakes/echo_origin.mjs';
import { startOddOrigin } from '../fakes/odd_origin.mjs';
import { startSlackServer } from '../fakes/slack_server.mjs';
import { startSmtpServer } from '../fakes/smtp_server.mjs';
import { startTelegramServer } from '../fakes/telegram_server.mjs';
import { openWebSocket } from '../fakes/websocket.mjs';
import { caBundle, Customer, Platform, root, sleep, until, whole } from './harness.mjs';

const run = promisify(execFile);
const TOKENS = {
  bot: 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.real-discord-token-0123456789abcdef',
  slack: 'xoxb-123456789012-1234567890123-realSlackBotTokenABCDEFG',
  'slack-app': `xapp-1-A0REAL00000-1234567890123-${'0123456789abcdef'.repeat(4)}`,
  telegram: '7123456789:AArealTelegramToken_abcdefghijklmnop',
};
const KEY = TOKENS.bot;
const permissions = { scopes: ['api:outbound', 'messaging:send', 'email:send'],
  allowedDomains: ['echo.example.com', 'odd.example.com', 'mail.example.com'] };
const WAYS = ['proxy', 'transparent'];
const PROXY = ['-x', 'http://10.232.0.1:3128'];

const platform = new Platform();
const started = [];
let authority, echo, odd, slack, discord, telegram, mail, customer, agent, inside, placeholders;

const begin = async (start, options) => {
  const server = await start({ authority, port: 443, ...options });
  started.push(server);
  return server;
};

// An agent's network, as {pid, bundle}.
async function insideOf(id) {
  const container = await platform.containerOf(id);
  const bundle = caBundle(container);
  return { pid: container.State.Pid, bundle };
}

// Runs a program of this host in an agent's network.
async function within(command, args, { where = inside, timeout = 60_000 } = {}) {
  try {
    const { stdout, stderr } = await run('nsenter', ['-t', String(where.pid), '-n', command, ...args],
      { timeout, maxBuffer: 64 << 20, env: { PATH: process.env.PATH, BUNDLE: where.bundle } });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    return { code: error.code ?? 1, out: error.stdout ?? '', err: error.stderr ?? String(error) };
  }
}

// Runs a piece of JavaScript there, with all of agent_client.mjs; gives what it reports.
async function play(text, options) {
  const program = `import * as client from ${JSON.stringify(path.join(root, 'tests/e2e/agent_client.mjs'))};
    const { sleep, report, readUntil, readHead, readToEnd, connect, connectToProxy, secure, connectTls, socketTo, closed, request } = client;
    ${text}
    process.exit(0);`;
  const done = await within('node', ['--input-type=module', '-e', program], options);
  assert.equal(done.code, 0, done.err + done.out);
  return JSON.parse(done.out.trim().split('\n').at(-1));
}

const curl = (...args) => within('curl', ['-sS', '-m', '50', '--cacert', inside.bundle, ...PROXY, ...args]);
const json = (value) => JSON.stringify(value);

const records = async () => whole((await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`)).items);
const audit = (match, seconds = 10) => until(`audit record ${match}`, async () => (await records()).find(match), seconds);

// Runs `act`; gives its value and a way to wait for a record that was not there before.
async function audited(act) {
  const known = new Set((await records()).map((e) => e.seq));
  const value = await act();
  return { value, told: (match) => audit((e) => !known.has(e.seq) && match(e)) };
}

// A WebSocket from this host, past the gateway: the control of what the agent sees.
async function directSocket(host, address, target, headers) {
  const socket = tls.connect({ host: address, port: 443, servername: host, ca: authority.cert });
  await new Promise((done, failed) => { socket.once('secureConnect', done); socket.once('error', failed); });
  return openWebSocket(socket, { host, target, headers });
}

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-protocols-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  echo = await begin(startEchoOrigin, { names: ['echo.example.com'], host: '127.0.0.3' });
  odd = await begin(startOddOrigin, { names: ['odd.example.com'], host: '127.0.0.4', text: KEY });
  slack = await begin(startSlackServer, { host: '127.0.0.5', botToken: TOKENS.slack, appToken: TOKENS['slack-app'],
    socketHost: 'wss-primary.slack.com' });
  discord = await begin(startDiscordServer, { host: '127.0.0.6', token: TOKENS.bot, echoToken: true });
  telegram = await begin(startTelegramServer, { host: '127.0.0.7', token: TOKENS.telegram });
  mail = await begin(startSmtpServer, { host: '127.0.0.8', port: 587 });
  const hosts = { 'echo.example.com': 3, 'odd.example.com': 4, 'slack.com': 5, 'wss-primary.slack.com': 5,
    'discord.com': 6, 'gateway.discord.gg': 6, 'api.telegram.org': 7, 'mail.example.com': 8 };
  await platform.start([
    `egress.hosts=${Object.entries(hosts).map(([name, last]) => `${name}=127.0.0.${last}`).join(',')}`,
    `egress.extra_roots=${authority.certFile}`, 'egress.nameservers=127.0.0.1:5399',
    'egress.answer_head_seconds=6', 'egress.request_head_seconds=6']);
  customer = await new Customer(platform).join();
  const kinds = { bot: 'discord', slack: 'slack', 'slack-app': 'slack-app', telegram: 'telegram' };
  agent = await customer.deploy('speaks', {}, { permissions,
    credentials: Object.entries(kinds).map(([name, kind]) => ({ name, kind, value: TOKENS[name] })) });
  const deployed = await customer.verdict(agent);
  assert.equal(deployed.deployment.state, 'live', json(deployed));
  inside = await insideOf(agent);
  placeholders = Object.fromEntries(platform.sql(
    `SELECT name || '|' || placeholder FROM agent_credentials WHERE agent_id = '${agent}'`).split('\n').map((l) => l.split('|')));
});

after(async () => {
  try {
    if (agent) await customer.remove(agent);
    assert.equal(await platform.stop(), 0);
  } finally {
    for (const server of started) await server.close();
  }
});

// ---- WebSocket.

for (const way of WAYS) {
  test(`WebSocket (${way}): messages of any size and cut, pings and close codes pass both ways`, async () => {
    const seen = await play(`
      const { peer } = await socketTo('${way}', 'odd.example.com', '/echo?fragments=7',
        { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
      peer.send('hello');
      const whole = await peer.next();
      const pong = new Promise((done) => peer.on('frame', (f) => f.opcode === 10 && done(f.payload.toString())));
      peer.send('one ', { fin: false });
      peer.send('are you there', { opcode: 9 });
      peer.send('two ', { opcode: 0, fin: false });
      peer.send('', { opcode: 0, fin: false });
      peer.send('three', { opcode: 0, fin: true });
      const cut = await peer.next();
      const big = 'The quick brown fox. '.repeat(50000);
      peer.send(big);
      const same = (await peer.next()) === big;
      const code = closed(peer);
      peer.close(4001, 'bye');
      report({ whole, cut, same, pong: await pong, code: await code });`);
    assert.deepEqual(seen, { whole: 'hello', cut: 'one two three', same: true, pong: 'are you there', code: 4001 });
    const session = odd.sessions.at(-1);
    assert.equal(await session.code, 4001, 'the server learns the agent’s code');
    assert.equal(session.headers['sec-websocket-extensions'], undefined, 'an extension is not offered');
    const control = await directSocket('odd.example.com', '127.0.0.4', '/echo', { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    assert.equal(odd.sessions.at(-1).headers['sec-websocket-extensions'], 'permessage-deflate', 'the control: the server sees one offered');
    control.close();
  });

  test(`WebSocket (${way}): the server’s ping, close code and abort arrive; so does the agent’s abort`, async () => {
    const seen = await play(`
      const pinged = await socketTo('${way}', 'odd.example.com', '/ping');
      const answered = await pinged.peer.next();
      const ended = await socketTo('${way}', 'odd.example.com', '/close?code=4004');
      ended.peer.send('go');
      const code = await closed(ended.peer);
      const cut = await socketTo('${way}', 'odd.example.com', '/abort');
      cut.peer.send('go');
      const aborted = await closed(cut.peer);
      report({ answered, code, aborted });
      const gone = await socketTo('${way}', 'odd.example.com', '/echo?who=gone-${way}');
      gone.peer.send('there');
      await gone.peer.next();
      gone.raw.resetAndDestroy();`);
    assert.deepEqual(seen, { answered: 'ponged: are you there', code: 4004, aborted: 1006 });
    const gone = odd.sessions.findLast((s) => s.target.includes(`gone-${way}`));
    assert.equal(await gone.code, 1006);
  });
}

test('WebSocket: a real key from the agent ends it, however it is cut; what is no key passes', async () => {
  const half = KEY.length >> 1;
  const cuts = { whole: [KEY], split: [KEY.slice(0, half), KEY.slice(half)], bytes: [...KEY], control: [KEY.slice(0, half), 'x' + KEY.slice(half)] };
  for (const opcode of [1, 2]) {
    const seen = await play(`
      const cuts = ${json(cuts)};
      const seen = {};
      for (const [name, pieces] of Object.entries(cuts)) {
        const { peer } = await socketTo('proxy', 'odd.example.com', '/echo?who=' + name + '-${opcode}');
        const answer = Promise.race([closed(peer), peer.next().catch((e) => e.message)]);
        pieces.forEach((piece, i) => peer.send(piece, { opcode: i === 0 ? ${opcode} : 0, fin: i === pieces.length - 1 }));
        seen[name] = await answer;
        peer.socket.destroy();
      }
      report(seen);`);
    assert.deepEqual(seen, { whole: 1008, split: 1008, bytes: 1008, control: cuts.control.join('') });
    for (const name of ['whole', 'split', 'bytes']) {
      const session = odd.sessions.findLast((s) => s.target.includes(`who=${name}-${opcode}`));
      assert.deepEqual(session.messages, [], name);
      assert.equal(Buffer.concat(session.payloads).includes(KEY.slice(0, 12)), false, `${name}: not even its beginning`);
    }
  }
  const ping = await play(`
    const { peer } = await socketTo('proxy', 'odd.example.com', '/echo?who=ping');
    peer.send(${json(KEY)}, { opcode: 9 });
    report(await closed(peer));`);
  assert.equal(ping, 1008);
  await audit((e) => e.actionType === 'websocket' && e.outcome === 'denied' && e.metadata.reason === 'secret_in_request');
});

test('WebSocket: a key that the server shows comes back as the placeholder, however it is cut', async () => {
  const targets = [0, 1, 13, KEY.length - 1].flatMap((at) => [`/leak?at=${at}`, `/leak?at=${at}&ping=1`]);
  targets.push('/leak?every=1', '/leak?every=5', '/leak?form=base64&every=3', '/leak?form=hex&at=20', '/leak?in=ping', '/leak?in=close');
  for (const target of targets) {
    const direct = await directSocket('odd.example.com', '127.0.0.4', target);
    const shown = [];
    direct.on('frame', (f) => shown.push(f));
    direct.send('show');
    await new Promise((done) => direct.once('close', done));
    const seen = await play(`
      const { peer } = await socketTo('proxy', 'odd.example.com', ${json(target)});
      const frames = [];
      peer.on('frame', (f) => frames.push({ opcode: f.opcode, hex: f.payload.toString('hex') }));
      peer.send('show');
      await closed(peer);
      report(frames);`);
    const bytes = (frames, data) => Buffer.concat(frames.filter((f) => (f.opcode < 8) === data)
      .map((f) => f.payload ?? Buffer.from(f.hex, 'hex')));
    const key = odd.disguise(target);
    for (const data of [true, false]) {
      const control = bytes(shown, data);
      const got = bytes(seen, data);
      assert.equal(got.length, control.length, `${target}: not a byte more or less`);
      assert.equal(got.includes(key), false, target);
      if (control.includes(key)) {
        const at = control.indexOf(key);
        assert.deepEqual(got.subarray(0, at), control.subarray(0, at), target);
        assert.deepEqual(got.subarray(at + key.length), control.subarray(at + key.length), target);
      }
    }
    assert.ok(bytes(shown, true).includes(key) || bytes(shown, false).includes(key), `the control shows it: ${target}`);
  }
});

test('WebSocket: a new policy ends it', async () => {
  const running = play(`
    const { peer } = await socketTo('proxy', 'odd.example.com', '/echo?who=policy');
    peer.send('open');
    await peer.next();
    report(await closed(peer));`);
  await until('open', () => odd.sessions.findLast((s) => s.target.includes('who=policy'))?.messages.length > 0, 20);
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions: { ...permissions, allowedDomains: ['echo.example.com', 'mail.example.com'] } });
  assert.equal(await running, 1006);
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions });
  await until('allowed again', async () => (await curl('-o', '/dev/null', '-w', '%{http_code}', 'https://odd.example.com/')).out === '404', 10);
});

// ---- The services.

test('Slack: a message and Socket Mode go with the real tokens', async () => {
  const headers = (name) => json({ Authorization: `Bearer ${placeholders[name]}`, 'Content-Type': 'application/json' });
  const posted = await play(`report(await request('proxy', 'slack.com', { method: 'POST', target: '/api/chat.postMessage',
    headers: ${headers('slack')}, body: JSON.stringify({ channel: 'C0FAKE', text: 'hello' }) }));`);
  assert.equal(posted.status, 200, json(posted));
  assert.equal(JSON.parse(posted.text).ok, true, posted.text);
  assert.equal(slack.record.entries.at(-1).headers.authorization, `Bearer ${TOKENS.slack}`);
  const running = play(`
    const opened = await request('transparent', 'slack.com', { method: 'POST', target: '/api/apps.connections.open',
      headers: ${headers('slack-app')}, body: '{}' });
    const url = new URL(JSON.parse(opened.text).url);
    const { peer } = await socketTo('transparent', url.host, url.pathname + url.search);
    const hello = JSON.parse(await peer.next());
    const event = JSON.parse(await peer.next());
    peer.sendJson({ envelope_id: event.envelope_id });
    peer.close();
    await closed(peer);
    report({ hello: hello.type, text: event.payload.event.text });`);
  await until('Socket Mode', () => slack.sockets.length > 0, 20);
  const envelope = slack.say('a person speaks');
  assert.deepEqual(await running, { hello: 'hello', text: 'a person speaks' });
  const [acknowledged] = await slack.envelopes.wait(1);
  assert.equal(acknowledged.envelope_id, envelope);
  // The bot's token is not for another host, and not for the body.
  const elsewhere = await play(`report(await request('proxy', 'echo.example.com', { target: '/echo', headers: ${headers('slack')} }));`);
  assert.equal(elsewhere.status, 403);
});

test('Discord: the token goes in the header and in the gateway’s frame, and never comes back', async () => {
  const posted = await play(`report(await request('proxy', 'discord.com', { method: 'POST', target: '/api/v10/channels/1001/messages',
    headers: { Authorization: 'Bot ${placeholders.bot}', 'Content-Type': 'application/json' }, body: JSON.stringify({ content: 'hello' }) }));`);
  assert.equal(posted.status, 200, json(posted));
  assert.equal(discord.record.entries.at(-1).headers.authorization, `Bot ${TOKENS.bot}`);
  const identify = (extra) => `JSON.stringify({ op: 2, d: { token: '${placeholders.bot}', intents: 513, ...${json(extra)} } })`;
  const { value: seen, told } = await audited(() => play(`
    const { peer } = await socketTo('proxy', 'gateway.discord.gg', '/?v=10&encoding=json');
    const hello = JSON.parse(await peer.next());
    const text = ${identify({})};
    peer.send(text.slice(0, 25), { fin: false });
    peer.send(text.slice(25), { opcode: 0 });
    const ready = JSON.parse(await peer.next());
    peer.close();
    await closed(peer);
    const other = await socketTo('proxy', 'gateway.discord.gg', '/?v=10&encoding=json');
    await other.peer.next();
    other.peer.send(${identify({ properties: { os: placeholders.bot } })});
    report({ hello: hello.op, ready: ready.t, echo: ready.d.echo, misplaced: await closed(other.peer) });`));
  assert.equal(discord.frames.entries[0].d.token, TOKENS.bot);
  assert.equal(discord.frames.entries.length, 1, 'the misplaced one never arrived');
  assert.equal(seen.ready, 'READY', json(seen));
  assert.equal(seen.echo.includes(TOKENS.bot), false);
  assert.equal(seen.echo.length, TOKENS.bot.length);
  assert.ok(seen.echo.startsWith(placeholders.bot.slice(0, 20)), seen.echo);
  assert.equal(seen.misplaced, 1008);
  await told((e) => e.metadata?.rule === 'discord/gateway');
  await told((e) => e.outcome === 'success' && e.metadata?.scrubbed?.some((s) => s.credential === 'bot'));
  await told((e) => e.outcome === 'denied' && e.metadata?.reason === 'placeholder_misplaced');
});

test('Telegram: the token goes in the path, and the URL that holds it is written nowhere', async () => {
  const call = (method, token = placeholders.telegram) => play(`report(await request('proxy', 'api.telegram.org', { target: '/bot${token}/${method}' }));`);
  const { value: me, told } = await audited(() => call('getMe'));
  assert.equal(me.status, 200, json(me));
  assert.equal(JSON.parse(me.text).result.username, 'fake_bot');
  assert.equal(telegram.record.entries.at(-1).target, `/bot${TOKENS.telegram}/getMe`);
  assert.equal((await call('setWebhook?url=https://evil.example')).status, 403);
  assert.equal((await call('getMe', TOKENS.telegram)).status, 403, 'the real one from the agent is refused');
  const failing = await call('noSuchMethod');
  assert.equal(failing.status, 403);
  const record = await told((e) => e.metadata?.rule === 'telegram/receive' && e.outcome !== 'denied');
  assert.deepEqual(record.metadata.credentials, ['telegram']);
  await told((e) => e.outcome === 'success' && e.metadata?.status === 200);
});

// Speaks SMTP over `socket`; reports the replies' codes and the bytes of both directions.
const speak = `async function speak(socket) {
  let sent = 0, received = 0;
  socket.on('data', (d) => { received += d.length; });
  const codes = [];
  const reply = async () => codes.push((await readUntil(socket, (t) => /^\\d{3} .*\\r\\n$/m.test(t))).text.slice(0, 3));
  const say = async (line) => { socket.write(line); sent += Buffer.byteLength(line); await reply(); };
  await reply();
  for (const line of ['EHLO agent', 'MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.com>', 'DATA', 'Subject: hi\\r\\n\\r\\nhello\\r\\n.', 'QUIT']) await say(line + '\\r\\n');
  socket.end();
  await new Promise((done) => (socket.destroyed || socket.readableEnded ? done() : socket.once('end', done)));
  return { codes, sent, received };
}`;

for (const way of WAYS) {
  test(`mail (${way}): submission to an admitted name passes unread, counted in the audit log`, async () => {
    const before = mail.record.entries.length;
    const { value: seen, told } = await audited(() => play(`${speak}
      report(await speak(await connect('${way}', 'mail.example.com', 587)));`));
    assert.deepEqual(seen.codes, ['220', '250', '250', '250', '354', '250', '221']);
    assert.equal(mail.record.entries.length, before + 1);
    assert.equal(mail.record.entries.at(-1).message, 'Subject: hi\r\n\r\nhello');
    await told((e) => e.actionType === 'email_sent' && e.target === 'mail.example.com:587');
    await told((e) => e.outcome === 'success' && e.metadata?.bytesSent === seen.sent && e.metadata.bytesReceived === seen.received);
  });
}

test('mail: another name or another port is refused, and told', async () => {
  const refused = await play(`
    const seen = {};
    for (const [host, port] of [['relay.evil.example', 587], ['mail.example.com', 25], ['slack.com', 587]]) {
      seen[host + ':' + port] = await connect('proxy', host, port).then(async (s) => (await readToEnd(s)).text, (e) => e.message.slice(0, 12));
    }
    const resolver = new (await import('node:dns')).promises.Resolver();
    resolver.setServers(['9.9.9.9']);
    seen.name = await resolver.resolve4('relay.evil.example').catch((e) => e.code);
    const [address] = await resolver.resolve4('mail.example.com');
    const net = await import('node:net');
    seen.direct = await new Promise((done) => {
      const socket = net.connect(25, address);
      socket.on('data', (d) => done('data ' + d));
      socket.on('error', () => {});
      socket.on('close', () => done('closed'));
    });
    report(seen);`);
  assert.equal(refused['relay.evil.example:587'], 'HTTP/1.1 403');
  assert.ok(['', 'HTTP/1.1 403'].includes(refused['mail.example.com:25']), json(refused));
  assert.ok(['', 'HTTP/1.1 403'].includes(refused['slack.com:587']), json(refused));
  assert.equal(refused.name, 'ENOTFOUND');
  assert.equal(refused.direct, 'closed');
  await audit((e) => e.outcome === 'denied' && e.target === 'relay.evil.example:587');
  await audit((e) => e.outcome === 'denied' && e.target === 'mail.example.com:25');
});

// ---- The edges of HTTP.

test('a client that closes its half after the request gets its answer', async () => {
  for (const way of WAYS) {
    const seen = await play(`
      const socket = await connectTls('${way}', 'echo.example.com');
      socket.write('GET /slow?head=1500 HTTP/1.1\\r\\nHost: echo.example.com\\r\\n\\r\\n');
      socket.end();
      report(await readToEnd(socket));`);
    assert.match(seen.text, /^HTTP\/1\.1 200 [^]*slow\n$/, json(seen));
  }
  const plain = await play(`
    const socket = await connectToProxy();
    socket.end('GET http://odd.example.com/slow HTTP/1.1\\r\\nHost: odd.example.com\\r\\n\\r\\n');
    report(await readToEnd(socket));`);
  assert.match(plain.text, /^HTTP\/1\.1 (200|502) /);
});

test('a client that hangs up ends what runs upstream', async () => {
  const seen = await play(`
    const raw = await connect('proxy', 'odd.example.com');
    const socket = await secure(raw, 'odd.example.com');
    socket.write('GET /never?who=hangs-up HTTP/1.1\\r\\nHost: odd.example.com\\r\\n\\r\\n');
    await sleep(1500);
    raw.resetAndDestroy();
    report('gone');`);
  assert.equal(seen, 'gone');
  await until('the upstream’s end', () => odd.ended.some((target) => target.includes('who=hangs-up')), 5);
});

test('an upstream that breaks off midway is an error for the client, never a whole answer', async () => {
  for (const [how, whole] of [['midway', false], ['reset', false], ['chunk', false], ['fin', true], ['late', true]]) {
    const answer = await curl(`https://echo.example.com/close?how=${how}`);
    assert.equal(answer.code === 0, whole, `${how}: ${answer.err}`);
    const raw = await play(`report(await request('transparent', 'echo.example.com', { target: '/close?how=${how}' }));`);
    const length = /^Content-Length: (\d+)/im.exec(raw.head)?.[1];
    const complete = length ? raw.text.length === Number(length) : raw.text.endsWith('0\r\n\r\n');
    assert.equal(complete, whole, `${how}: ${json(raw)}`);
  }
});

test('an upstream that never answers is a 504 that a program can read', async () => {
  const answer = await play(`report(await request('proxy', 'odd.example.com', { target: '/never' }));`);
  assert.equal(answer.status, 504);
  const problem = JSON.parse(answer.text);
  assert.equal(problem.status, 504);
  assert.equal(problem.code, 'upstream_failed');
  assert.match(problem.detail, /in time/);
});

test('a head that does not get on is cut off', async () => {
  const seen = await play(`
    const socket = await connectTls('proxy', 'echo.example.com');
    socket.write('GET /echo HTTP/1.1\\r\\nHost: echo');
    const drip = setInterval(() => socket.write('o'), 500);
    const end = await readToEnd(socket);
    clearInterval(drip);
    report(end);`);
  assert.equal(seen.text, '');
});

test('pipelined requests are answered in order', async () => {
  const seen = await play(`
    const socket = await connectTls('proxy', 'echo.example.com');
    const one = (n, more = '') => 'GET /echo?n=' + n + ' HTTP/1.1\\r\\nHost: echo.example.com\\r\\n' + more + '\\r\\n';
    socket.write(one(1) + 'POST /echo?n=2 HTTP/1.1\\r\\nHost: echo.example.com\\r\\nContent-Length: 4\\r\\n\\r\\nbody' + one(3) + one(4, 'Connection: close\\r\\n'));
    report(await readToEnd(socket));`);
  assert.deepEqual([...seen.text.matchAll(/"target":"\/echo\?n=(\d)"/g)].map((m) => m[1]), ['1', '2', '3', '4']);
});

test('a body that is not wanted is refused before it is asked for, and an early answer is not lost', async () => {
  const refused = await play(`
    const socket = await connectTls('proxy', 'slack.com');
    socket.write('POST /api/admin.users.invite HTTP/1.1\\r\\nHost: slack.com\\r\\nContent-Length: 100000000\\r\\nExpect: 100-continue\\r\\n\\r\\n');
    report(await readToEnd(socket));`);
  assert.match(refused.text, /^HTTP\/1\.1 403 /);
  const wanted = await play(`
    const socket = await connectTls('proxy', 'echo.example.com');
    socket.write('POST /echo HTTP/1.1\\r\\nHost: echo.example.com\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\nExpect: 100-continue\\r\\n\\r\\n');
    const asked = await readHead(socket);
    socket.write('body');
    report({ asked: asked.text, answer: (await readToEnd(socket)).text });`);
  assert.equal(wanted.asked, 'HTTP/1.1 100 Continue\r\n\r\n');
  assert.match(wanted.answer, /^HTTP\/1\.1 200 [^]*"bodyBytes":4/);
  const early = await play(`
    const socket = await connectTls('proxy', 'odd.example.com');
    socket.write('POST /early HTTP/1.1\\r\\nHost: odd.example.com\\r\\nContent-Length: 3000000\\r\\n\\r\\n');
    const answer = readToEnd(socket);
    for (let i = 0; i < 20 && socket.writable; ++i) { socket.write(Buffer.alloc(100000)); await sleep(20); }
    report(await answer);`);
  assert.match(early.text, /^HTTP\/1\.1 413 [^]*too large/, json(early));
});

test('interim answers and trailers pass', async () => {
  const hints = await play(`report(await request('proxy', 'echo.example.com', { target: '/interim' }));`);
  assert.match(hints.head, /^HTTP\/1\.1 103 [^]*<\/style\.css>/);
  assert.match(hints.text, /^HTTP\/1\.1 200 /);
  const down = await play(`report(await request('proxy', 'echo.example.com', { target: '/chunked', headers: { TE: 'trailers' } }));`);
  assert.match(down.text, /\r\n0\r\nX-Checksum: abc\r\nX-Rows: 2\r\n\r\n$/);
  const send = (trailer) => play(`
    const socket = await connectTls('proxy', 'echo.example.com');
    socket.write('POST /echo HTTP/1.1\\r\\nHost: echo.example.com\\r\\nConnection: close\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n2\\r\\nhi\\r\\n0\\r\\n' + ${json(trailer)} + '\\r\\n\\r\\n');
    report(await readToEnd(socket));`);
  const told = await send('X-Sum: 1\r\nHost: evil.example');
  assert.match(told.text, /"trailers":\["X-Sum","1"\],"bodyBytes":2/);
  assert.match((await send(`X-Sum: ${KEY}`)).text, /^HTTP\/1\.1 403 [^]*secret_in_request/);
  assert.match((await send(`X-Sum: ${placeholders.bot}`)).text, /^HTTP\/1\.1 403 [^]*placeholder_misplaced/);
  const leaked = await play(`report(await request('proxy', 'odd.example.com', { target: '/trailer' }));`);
  assert.equal(leaked.text.includes(KEY), false);
  assert.match(leaked.text, /X-Key: /);
  const control = await run('curl', ['-sS', '--raw', '--cacert', authority.certFile, '--resolve', 'odd.example.com:443:127.0.0.4', 'https://odd.example.com/trailer']);
  assert.ok(control.stdout.includes(KEY), 'the server shows it');
});

const workers = () => execFileSync('ps', ['-eo', 'pid=,uid=']).toString().trim().split('\n').map((l) => l.trim().split(/\s+/))
  .filter(([, uid]) => Number(uid) >= 1900000000 && Number(uid) < 1900010000).map(([pid]) => Number(pid));
const peak = (pid) => Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

test('a body of a gigabyte passes each way in constant memory', async () => {
  const size = 1 << 30;
  const [worker] = workers();
  fs.writeFileSync(`/proc/${worker}/clear_refs`, '5');  // the peak begins anew
  const hash = createHash('sha256');
  for (let i = 0; i < size >> 20; ++i) hash.update(odd.mebibyte);
  const expected = hash.digest('hex');
  const down = await within('bash', ['-c', `set -o pipefail; curl -sS -m 200 --cacert ${inside.bundle} ${PROXY.join(' ')} https://odd.example.com/gigabyte | sha256sum`], { timeout: 240_000 });
  assert.equal(down.out.slice(0, 64), expected, down.err);
  const up = await within('bash', ['-c', `set -o pipefail; head -c ${size} /dev/zero | curl -sS -m 200 --cacert ${inside.bundle} ${PROXY.join(' ')} -T - 'https://echo.example.com/sink?hash=1'`], { timeout: 240_000 });
  const zeros = execFileSync('bash', ['-c', `head -c ${size} /dev/zero | sha256sum`]).toString().slice(0, 64);
  assert.deepEqual(JSON.parse(up.out), { bytes: size, sha256: zeros }, up.err);
  assert.ok(peak(worker) < 64 * 1024, `the worker's peak is ${peak(worker)} kB`);
});

test('a thousand idle connections of one client stay usable, and another client is served meanwhile', async () => {
  const other = await new Customer(platform).join();
  const theirs = await other.deploy('neighbour', {}, { permissions: { scopes: ['api:outbound'], allowedDomains: ['echo.example.com'] } });
  assert.equal((await other.verdict(theirs)).deployment.state, 'live');
  const where = await insideOf(theirs);
  const marker = path.join(authority.dir, 'go');
  const running = play(`
    const fs = await import('node:fs');
    const ask = async (socket, n) => {
      socket.write('GET /status/200?n=' + n + ' HTTP/1.1\\r\\nHost: echo.example.com\\r\\n\\r\\n');
      const { text } = await readUntil(socket, (t) => t.includes('status 200\\n'));
      return text.startsWith('HTTP/1.1 200 ');
    };
    const sockets = [];
    const round = async (act) => {
      let good = 0, next = 0;
      await Promise.all(Array.from({ length: 10 }, async () => { while (next < 1000) { if (await act(next++)) ++good; } }));
      return good;
    };
    const first = await round(async (i) => { sockets[i] = await connectTls('proxy', 'echo.example.com'); return ask(sockets[i], i); });
    fs.writeFileSync(${json(marker)}, 'open');
    while (fs.readFileSync(${json(marker)}, 'utf8') === 'open') await sleep(200);
    const second = await round((i) => ask(sockets[i], i));
    report({ first, second });`, { timeout: 200_000 });
  await until('a thousand connections', () => fs.existsSync(marker) && fs.readFileSync(marker, 'utf8') === 'open', 150);
  const answer = await within('curl', ['-sS', '-m', '20', '--cacert', where.bundle, ...PROXY, 'https://echo.example.com/echo'], { where });
  fs.writeFileSync(marker, 'go');
  assert.equal(JSON.parse(answer.out).method, 'GET', answer.err);
  assert.deepEqual(await running, { first: 1000, second: 1000 });
  await other.remove(theirs);
});

test('no token is anywhere that a reader of logs could look', async () => {
  const spool = path.join(platform.home, 'egress/spool');
  const files = [path.join(platform.home, 'log'), spool].flatMap((dir) => fs.readdirSync(dir).map((name) => path.join(dir, name)));
  for (const [name, token] of Object.entries(TOKENS)) {
    for (const text of new Set([token, encodeURIComponent(token), Buffer.from(token).toString('base64')])) {
      for (const file of files) {
        assert.equal(fs.readFileSync(file, 'latin1').includes(text), false, `${name} in ${file}`);
      }
      assert.equal(platform.sql(`SELECT count(*) FROM audit_logs WHERE position('${text}' in metadata::text || target) > 0`), '0', name);
    }
  }
  // The control: what was asked is told, without what it was asked with.
  assert.notEqual(platform.sql("SELECT count(*) FROM audit_logs WHERE metadata->>'rule' = 'telegram/receive'"), '0');
});
