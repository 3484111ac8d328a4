// The fakes themselves: node --test tests/fakes/

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';

import { makeAuthority } from './authority.mjs';
import { startDiscordServer } from './discord_server.mjs';
import { startDnsServer } from './dns_server.mjs';
import { content, startEchoOrigin } from './echo_origin.mjs';
import { codings, decodings, encodings } from './encodings.mjs';
import { readBody } from './listening.mjs';
import { startModelServer } from './model_server.mjs';
import { startOAuthServer } from './oauth_server.mjs';
import { startSlackServer } from './slack_server.mjs';
import { startSmtpServer } from './smtp_server.mjs';
import { startTelegramServer } from './telegram_server.mjs';
import { openWebSocket, opcodes } from './websocket.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'deployclaw-fakes-'));
const authority = makeAuthority(dir);
const started = [];
const run = async (start, options) => {
  const server = await start(options);
  started.push(server);
  return server;
};
after(async () => {
  await Promise.all(started.map((server) => server.close()));
  fs.rmSync(dir, { recursive: true });
});

// One request. `name` turns TLS on and is the server name and Host.
function call(server, target, { name, method = 'GET', headers = {}, body, expectContinue = false } = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, path: target, method, agent: false,
      headers: { ...(name ? { host: name } : {}), ...headers }, servername: name, ca: authority.cert };
    const request = (name ? https : http).request(options, async (response) => {
      const chunks = [];
      try {
        for await (const chunk of response) chunks.push(chunk);
      } catch (error) {
        return reject(error);
      }
      const bytes = Buffer.concat(chunks);
      return resolve({ status: response.statusCode, headers: response.headers, trailers: response.trailers, bytes, chunks, text: bytes.toString(),
        get json() { return JSON.parse(this.text); } });
    });
    request.on('error', reject);
    if (expectContinue) request.on('continue', () => request.end(body));
    else request.end(body);
  });
}

const socketTo = (server, name) => new Promise((done, failed) => {
  const socket = name ? tls.connect({ port: server.port, host: '127.0.0.1', servername: name, ca: authority.cert }, () => done(socket))
    : net.connect(server.port, '127.0.0.1', () => done(socket));
  socket.once('error', failed);
});

const openaiKey = 'sk-proj-Real_key-0123456789abcdefghij';
const anthropicKey = 'sk-ant-api03-Real_key-0123456789';
const model = await run(startModelServer, { authority, keys: { openai: openaiKey, anthropic: anthropicKey } });

function openai(value, more = {}) {
  return call(model, more.target ?? '/v1/chat/completions', { name: 'api.openai.com', method: 'POST',
    headers: { authorization: `Bearer ${more.key ?? openaiKey}`, 'content-type': 'application/json' },
    body: typeof value === 'string' ? value : JSON.stringify(value) });
}

function anthropic(value, key = anthropicKey) {
  return call(model, '/v1/messages', { name: 'api.anthropic.com', method: 'POST', body: JSON.stringify(value),
    headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' } });
}

async function behaving(behaviour, act) {
  const before = { ...model.behaviour };
  Object.assign(model.behaviour, behaviour);
  try {
    return await act();
  } finally {
    Object.assign(model.behaviour, before);
  }
}

const eventsOf = (text) => text.split('\n\n').filter(Boolean).map((block) => {
  const data = /^data: (.*)$/m.exec(block)[1];
  return { event: /^event: (.*)$/m.exec(block)?.[1], data: data === '[DONE]' ? data : JSON.parse(data) };
});

const chat = { model: 'gpt-fake', messages: [{ role: 'user', content: 'Hi' }] };

test('the authority issues what verifies, and what does not when asked', async () => {
  const good = authority.issue(['a.test', '127.0.0.1']);
  const connect = async (leaf) => {
    const server = tls.createServer({ cert: leaf.cert, key: leaf.key }, (socket) => socket.end());
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const outcome = await socketTo({ port: server.address().port }, 'a.test').then((socket) => (socket.end(), 'ok'), (e) => e.code);
    server.close();
    return outcome;
  };
  assert.equal(await connect(good), 'ok');
  assert.equal(await connect(authority.issue(['b.test'])), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await connect(authority.issue(['a.test'], { expired: true })), 'CERT_HAS_EXPIRED');
  assert.equal(await connect(authority.issue(['a.test'], { selfSigned: true })), 'DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('an unknown server name fails the handshake', async () => {
  await assert.rejects(socketTo(model, 'api.evil.test'));
});

test('chat completions answer whole and streamed, usage only when asked for', async () => {
  const whole = (await openai(chat)).json;
  assert.equal(whole.choices[0].message.content, 'Hello from the model.');
  assert.deepEqual([whole.usage.prompt_tokens, whole.usage.completion_tokens], [11, 7]);
  const plain = eventsOf((await openai({ ...chat, stream: true })).text);
  assert.equal(plain.at(-1).data, '[DONE]');
  assert.ok(plain.slice(0, -1).every(({ data }) => data.usage === undefined));
  const counted = eventsOf((await openai({ ...chat, stream: true, stream_options: { include_usage: true } })).text);
  assert.deepEqual([counted.at(-2).data.choices.length, counted.at(-2).data.usage.total_tokens], [0, 18]);
  assert.equal(counted.slice(0, -1).map(({ data }) => data.choices[0]?.delta.content ?? '').join(''), 'Hello from the model.');
});

test('a tool is called once, where one is offered, and its result is answered in words', async () => {
  const fetching = { name: 'web_fetch', arguments: { url: 'https://a.test/' } };
  const tools = [{ type: 'function', function: { name: 'web_fetch', parameters: {} } }];
  await behaving({ call: fetching }, async () => {
    const events = eventsOf((await openai({ ...chat, tools, stream: true })).text).slice(0, -1).map(({ data }) => data.choices[0]);
    assert.equal(events.at(-1).finish_reason, 'tool_calls');
    const parts = events.flatMap(({ delta }) => delta.tool_calls ?? []).map((part) => part.function);
    assert.deepEqual([parts[0].name, JSON.parse(parts.map((part) => part.arguments).join(''))], ['web_fetch', fetching.arguments]);
    const whole = (await openai({ ...chat, tools })).json.choices[0];
    assert.deepEqual([whole.message.content, whole.message.tool_calls[0].function.name], [null, 'web_fetch']);
    const answered = [...chat.messages, whole.message, { role: 'tool', tool_call_id: whole.message.tool_calls[0].id, content: 'seen' }];
    assert.equal((await openai({ ...chat, messages: answered, tools })).json.choices[0].finish_reason, 'stop');
    assert.equal((await openai(chat)).json.choices[0].finish_reason, 'stop', 'no tool is offered');
  });
});

test('responses stream from created to completed with usage', async () => {
  const request = { model: 'gpt-fake', input: 'Hi', stream: true };
  const events = eventsOf((await openai(request, { target: '/v1/responses' })).text);
  assert.equal(events[0].event, 'response.created');
  assert.equal(events.at(-1).event, 'response.completed');
  assert.equal(events.at(-1).data.response.usage.total_tokens, 18);
  assert.deepEqual(events.map(({ data }) => data.sequence_number), events.map((_, n) => n));
  assert.ok(events.every(({ event, data }) => event === data.type));
});

test('messages stream with usage at both ends, and answer whole', async () => {
  const request = { ...chat, model: 'claude-fake', max_tokens: 64 };
  assert.equal((await anthropic(request)).json.usage.output_tokens, 7);
  const events = eventsOf((await anthropic({ ...request, stream: true })).text);
  assert.equal(events[0].data.message.usage.input_tokens, 11);
  assert.equal(events.at(-2).data.usage.output_tokens, 7);
  assert.equal(events.at(-1).event, 'message_stop');
});

test('the number of tokens is chosen, and usage can be missing', async () => {
  const counted = await behaving({ tokens: 50 }, () => openai({ ...chat, stream: true, stream_options: { include_usage: true } }));
  assert.equal(eventsOf(counted.text).at(-2).data.usage.completion_tokens, 50);
  assert.equal(eventsOf(counted.text).length, 50 + 4);
  const silent = () => behaving({ usage: null }, () => Promise.all([openai(chat), anthropic({ ...chat, max_tokens: 9, stream: true })]));
  for (const answer of await silent()) assert.ok(answer.status === 200 && !answer.text.includes('usage'));
});

test('a wrong key, bad JSON and missing fields are refused in the shape of each provider', async () => {
  const wrong = await openai(chat, { key: 'sk-placeholder' });
  assert.deepEqual([wrong.status, wrong.json.error.code], [401, 'invalid_api_key']);
  assert.match(wrong.json.error.message, /sk-placeholder/);
  assert.deepEqual([(await openai('{"model"')).status, (await openai({})).json.error.param], [400, 'model']);
  const other = await anthropic(chat, 'wrong');
  assert.deepEqual([other.status, other.json.error.type], [401, 'authentication_error']);
  assert.equal((await anthropic(chat)).json.error.message, 'max_tokens: Field required');
});

test('requests are recorded with the server name', async () => {
  model.record.clear();
  await openai(chat);
  const [entry] = await model.record.wait(1);
  assert.deepEqual([entry.serverName, entry.headers.authorization, entry.body], ['api.openai.com', `Bearer ${openaiKey}`, JSON.stringify(chat)]);
});

test('every disguise of the key comes back in body, header and error, in every coding', async () => {
  for (const [encoding, encode] of Object.entries(encodings)) {
    for (const where of ['body', 'header', 'error']) {
      const answer = await behaving({ echo: { where, encoding } }, () => openai(chat));
      const place = where === 'header' ? answer.headers['x-echo'] : answer.text;
      assert.ok(place.includes(encode(openaiKey)), `${encoding} in ${where}`);
    }
  }
  for (const coding of Object.keys(codings)) {
    for (const stream of [false, true]) {
      const answer = await behaving({ echo: { where: 'body', coding } }, () => openai({ ...chat, stream }));
      assert.equal(answer.headers['content-encoding'] ?? 'identity', coding);
      assert.ok(decodings[coding](answer.bytes).toString().includes(openaiKey), `${coding}, stream ${stream}`);
    }
  }
});

test('the key can be split at a chosen byte, streamed or not, and over events', async () => {
  for (const stream of [false, true]) {
    const answer = await behaving({ echo: { where: 'body', splitAt: 5, pause: 5 } }, () => openai({ ...chat, stream }));
    assert.ok(answer.text.includes(openaiKey));
    assert.ok(answer.chunks.some((chunk) => chunk.toString().endsWith(openaiKey.slice(0, 5))));
  }
  const spread = await behaving({ echo: { where: 'body', acrossEvents: 30 } }, () => openai({ ...chat, stream: true }));
  assert.ok(!spread.text.includes(openaiKey));
  assert.ok(eventsOf(spread.text).map(({ data }) => data.choices?.[0].delta.content ?? '').join('').includes(openaiKey));
});

test('a stream can break off and can end in an error event', async () => {
  await assert.rejects(behaving({ abortAfter: 2 }, () => openai({ ...chat, stream: true })));
  await assert.rejects(behaving({ abortAfter: 9 }, () => openai(chat)));
  const failed = await behaving({ errorAfter: 2 }, () => openai({ ...chat, stream: true }));
  assert.equal(eventsOf(failed.text).at(-1).event, 'error');
});

test('the origin shows what it got, byte for byte', async () => {
  const origin = await run(startEchoOrigin, { raw: true });
  const socket = await socketTo(origin);
  const sent = 'POST /echo?a=%2F HTTP/1.1\r\nHost: Example.test\r\nX-Odd:  two  spaces \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n';
  socket.write(sent);
  const answer = JSON.parse((await new Promise((done) => socket.once('data', done))).toString().split('\r\n\r\n')[1]);
  socket.destroy();
  assert.equal(origin.connections[0].bytes.toString(), sent);
  assert.deepEqual([answer.target, answer.headers[0], answer.trailers, answer.bodyBytes], ['/echo?a=%2F', 'Host', ['X-T', '1'], 3]);
  assert.equal(answer.bodySha256, createHash('sha256').update('abc').digest('hex'));
});

test('the origin serves bodies of any framing, waits for 100-continue, and swallows uploads', async () => {
  const origin = await run(startEchoOrigin, { authority, names: ['origin.test'] });
  const name = 'origin.test';
  assert.deepEqual((await call(origin, '/bytes/100000', { name })).bytes, content(100000));
  assert.equal((await call(origin, '/bytes/1000?chunked=1&piece=7', { name })).headers['transfer-encoding'], 'chunked');
  assert.deepEqual((await call(origin, '/chunked', { name })).trailers, { 'x-checksum': 'abc', 'x-rows': '2' });
  assert.equal((await call(origin, '/sse?events=3&every=1', { name })).text.match(/"sent":\d+/g).length, 3);
  assert.equal((await call(origin, '/status/418', { name })).status, 418);
  assert.equal((await call(origin, '/encoded/gzip?text=hi', { name })).headers['content-encoding'], 'gzip');
  const upload = { name, method: 'POST', body: content(200000), headers: { expect: '100-continue' }, expectContinue: true };
  assert.equal((await call(origin, '/sink', upload)).json.bytes, 200000);
});

test('the origin half-closes, cuts short and resets', async () => {
  const origin = await run(startEchoOrigin, {});
  assert.equal((await call(origin, '/close?how=fin')).text, 'ends with the connection\n');
  for (const how of ['midway', 'reset', 'chunk', 'nothing']) await assert.rejects(call(origin, `/close?how=${how}`), how);
  const socket = net.connect({ port: origin.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end('GET /half-close HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match((await readBody(socket)).toString(), /half-closed/);
});

test('WebSockets echo text, large frames, fragments and pings, over TLS too', async () => {
  for (const name of [undefined, 'origin.test']) {
    const origin = await run(startEchoOrigin, { authority: name && authority, names: ['origin.test'] });
    const peer = await openWebSocket(await socketTo(origin, name), { host: 'origin.test', target: '/ws?fragments=3&greet=hello' });
    assert.equal(await peer.next(), 'hello');
    for (const text of ['short', 'x'.repeat(300), 'y'.repeat(70000)]) {
      peer.send(text);
      assert.equal(await peer.next(), text);
    }
    peer.send('to', { fin: false });
    peer.send('gether', { opcode: opcodes.continuation });
    assert.equal(await peer.next(), 'together');
    const pong = new Promise((done) => peer.on('frame', (frame) => frame.opcode === opcodes.pong && done(frame.payload.toString())));
    peer.send('are you there', { opcode: opcodes.ping });
    assert.equal(await pong, 'are you there');
    const closed = new Promise((done) => peer.once('close', done));
    peer.close(1000);
    assert.equal(await closed, 1000);
  }
});

test('Telegram knows its token, polls and sends', async () => {
  const telegram = await run(startTelegramServer, { token: '123456:AAreal' });
  assert.equal((await call(telegram, '/bot123456:wrong/getMe')).status, 401);
  assert.equal((await call(telegram, '/bot123456:AAreal/getMe')).json.result.username, 'fake_bot');
  const polling = call(telegram, '/bot123456:AAreal/getUpdates?timeout=5');
  setTimeout(() => telegram.say('hello'), 50);
  const [update] = (await polling).json.result;
  assert.equal(update.message.text, 'hello');
  assert.deepEqual((await call(telegram, `/bot123456:AAreal/getUpdates?offset=${update.update_id + 1}`)).json.result, []);
  const body = JSON.stringify({ chat_id: 1001, text: 'answer' });
  await call(telegram, '/bot123456:AAreal/sendMessage', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal(telegram.sent[0].text, 'answer');
});

test('Slack opens Socket Mode once per ticket', async () => {
  const slack = await run(startSlackServer, {});
  const post = (method, token) => call(slack, `/api/${method}`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  assert.equal((await post('auth.test', 'xoxb-placeholder')).json.error, 'invalid_auth');
  assert.equal((await post('auth.test', 'xoxb-real')).json.ok, true);
  const url = new URL((await post('apps.connections.open', 'xapp-real')).json.url);
  const target = url.pathname + url.search;
  const peer = await openWebSocket(await socketTo(slack), { host: url.host, target });
  assert.equal(JSON.parse(await peer.next()).type, 'hello');
  const id = slack.say('hi');
  assert.equal(JSON.parse(await peer.next()).payload.event.text, 'hi');
  peer.sendJson({ envelope_id: id });
  assert.deepEqual(await slack.envelopes.wait(1), [{ envelope_id: id }]);
  await assert.rejects(openWebSocket(await socketTo(slack), { host: url.host, target }), /401/);
});

test('Discord is ready only for the right token', async () => {
  const discord = await run(startDiscordServer, { token: 'right' });
  assert.equal((await call(discord, '/api/v10/users/@me', { headers: { authorization: 'Bot wrong' } })).status, 401);
  assert.equal((await call(discord, '/api/v10/users/@me', { headers: { authorization: 'Bot right' } })).json.bot, true);
  const open = async (token) => {
    const peer = await openWebSocket(await socketTo(discord), { host: 'gateway.discord.gg', target: '/?v=10&encoding=json' });
    assert.equal(JSON.parse(await peer.next()).op, 10);
    peer.sendJson({ op: 2, d: { token, intents: 1, properties: {} } });
    return peer;
  };
  assert.equal(JSON.parse(await (await open('right')).next()).t, 'READY');
  const refused = await open('wrong');
  assert.equal(await new Promise((done) => refused.once('close', done)), 4004);
});

test('OAuth renews, rotates, refuses and redirects', async () => {
  const server = await run(startOAuthServer, { authority, names: ['oauth2.googleapis.com'], refreshToken: 'first' });
  const renew = (token, more = {}) => call(server, '/token', { name: 'oauth2.googleapis.com', method: 'POST', body: new URLSearchParams({
    grant_type: 'refresh_token', client_id: 'fake-client', client_secret: 'fake-client-secret', refresh_token: token, ...more }).toString() });
  const given = (await renew('first')).json;
  assert.deepEqual([given.access_token, given.refresh_token], [server.issued[0], undefined]);
  assert.equal((await renew('other')).json.error, 'invalid_grant');
  assert.equal((await renew('first', { client_secret: 'x' })).json.error, 'invalid_client');
  server.behaviour.rotate = true;
  const next = (await renew('first')).json.refresh_token;
  assert.equal((await renew('first')).json.error, 'invalid_grant', 'the old one has ended');
  assert.equal((await renew(next)).status, 200);
  server.behaviour.refuse = 'invalid_grant';
  assert.equal((await renew(server.refreshToken)).status, 400);
  server.behaviour.redirect = 'https://elsewhere.example.com/';
  assert.equal((await renew(next)).headers.location, 'https://elsewhere.example.com/');
});

test('SMTP takes a message', async () => {
  const smtp = await run(startSmtpServer, {});
  const socket = await socketTo(smtp);
  socket.write('EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n');
  assert.match((await readBody(socket)).toString(), /^220 [^]*354 [^]*250 OK: queued\r\n221 Bye\r\n$/);
  assert.equal(smtp.record.entries[0].message, 'Subject: x\r\n\r\nbody');
});

test('DNS answers its table, counts, and truncates to TCP', async () => {
  let turn = 0;
  const many = Array.from({ length: 60 }, (_, n) => `10.0.0.${n + 1}`);
  const server = await run(startDnsServer, { table: {
    'a.test': ['192.0.2.1', '2001:db8::1'], '*.wild.test': ['192.0.2.2'], 'alias.test': { CNAME: 'a.test' }, 'many.test': many,
    'rebind.test': () => [turn++ === 0 ? '192.0.2.3' : '127.0.0.1'], 'bad.test': 'servfail', 'mapped.test': ['::ffff:127.0.0.1'] } });
  const resolver = new dns.promises.Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.port}`]);
  assert.deepEqual(await resolver.resolve4('a.test'), ['192.0.2.1']);
  assert.deepEqual(await resolver.resolve6('a.test'), ['2001:db8::1']);
  assert.match((await resolver.resolve6('mapped.test'))[0], /^::ffff:(127\.0\.0\.1|7f00:1)$/);
  assert.deepEqual(await resolver.resolve4('x.wild.test'), ['192.0.2.2']);
  assert.deepEqual(await resolver.resolve4('alias.test'), ['192.0.2.1']);
  assert.equal((await resolver.resolve4('many.test')).length, 60);
  assert.deepEqual([await resolver.resolve4('rebind.test'), await resolver.resolve4('rebind.test')], [['192.0.2.3'], ['127.0.0.1']]);
  await assert.rejects(resolver.resolve4('none.test'), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolve4('bad.test'), { code: 'ESERVFAIL' });
  assert.deepEqual([server.count('a.test'), server.count('never.test')], [2, 0]);
  assert.ok(server.record.entries.some(({ name, transport }) => name === 'many.test' && transport === 'tcp'));
});
