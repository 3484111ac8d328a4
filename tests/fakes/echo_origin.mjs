// An HTTP/1.1 origin that shows what a proxy did to a request, and misbehaves on demand. Plain or TLS.
// See `routes` for what it serves. With `raw` it keeps every byte each connection sent.

import { createHash } from 'node:crypto';

import { codings } from './encodings.mjs';
import { answerJson, createServer, listen, readBody, Record, runAsProgram, sleep } from './listening.mjs';
import { acceptWebSocket } from './websocket.mjs';

// The same bytes for every request, none of them a line end, so that misplaced framing shows.
export const content = (size) => Buffer.alloc(size, 'The quick brown fox jumps over the lazy dog. ');

// Monotonic nanoseconds: the same clock for every process of this machine (CLOCK_MONOTONIC).
const nanoseconds = () => process.hrtime.bigint().toString();

const number = (query, name, otherwise) => Number(query.get(name) ?? otherwise);

const routes = {
  // N bytes. ?chunked=1 without a length; ?piece=K in writes of K bytes, ?every=MS apart.
  async bytes({ response, query, rest }) {
    const body = content(Number(rest));
    const piece = number(query, 'piece', 65536);
    const chunked = query.has('chunked');
    response.writeHead(200, { 'content-type': 'application/octet-stream', ...(chunked ? {} : { 'content-length': body.length }) });
    for (let at = 0; at < body.length && !response.destroyed; at += piece) {
      if (!response.write(body.subarray(at, at + piece))) {
        await Promise.race([new Promise((done) => response.once('drain', done)), new Promise((done) => response.once('close', done))]);
      }
      if (query.has('every')) await sleep(number(query, 'every'));
    }
    response.end();
  },

  // Method, target, header lines as sent, trailers, and size and SHA-256 of the body.
  async echo({ request, response }) {
    const body = await readBody(request);
    answerJson(response, 200, {
      method: request.method, target: request.url, version: request.httpVersion, serverName: request.socket.servername || null,
      headers: request.rawHeaders, trailers: request.rawTrailers, bodyBytes: body.length,
      bodySha256: createHash('sha256').update(body).digest('hex'),
    });
  },

  // ?events=N, ?every=MS apart; each holds its number and the nanosecond it was written. N = 0 never ends.
  async sse({ response, query }) {
    const events = number(query, 'events', 10);
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    for (let n = 0; (events === 0 || n < events) && !response.destroyed; ++n) {
      if (n > 0) await sleep(number(query, 'every', 100));
      response.write(`id: ${n}\ndata: {"n":${n},"sent":${nanoseconds()}}\n\n`);
    }
    response.end();
  },

  async status({ request, response, rest }) {
    const status = Number(rest);
    await readBody(request);
    const empty = status === 204 || status === 304;
    response.writeHead(status, empty ? {} : { 'content-type': 'text/plain' });
    response.end(empty ? undefined : `status ${status}\n`);
  },

  // ?head=MS before the head, ?body=MS before the body.
  async slow({ response, query }) {
    await sleep(number(query, 'head', 0));
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 5 });
    response.flushHeaders();
    await sleep(number(query, 'body', 0));
    response.end('slow\n');
  },

  // Two chunks and trailers.
  async chunked({ response }) {
    response.writeHead(200, { 'content-type': 'text/plain', trailer: 'X-Checksum, X-Rows' });
    response.write('first\n');
    await sleep(1);
    response.write('second\n');
    response.addTrailers({ 'X-Checksum': 'abc', 'X-Rows': '2' });
    response.end();
  },

  // Reads everything, answers how much. ?hash=1 with its SHA-256; ?rate=BYTES per second reads slowly.
  async sink({ request, response, query }) {
    const hash = query.has('hash') ? createHash('sha256') : undefined;
    let size = 0;
    for await (const chunk of request) {
      size += chunk.length;
      hash?.update(chunk);
      if (query.has('rate')) await sleep((chunk.length * 1000) / number(query, 'rate'));
    }
    answerJson(response, 200, { bytes: size, ...(hash ? { sha256: hash.digest('hex') } : {}) });
  },

  // Answers before the body is read, then reads it.
  async early({ request, response }) {
    answerJson(response, 413, { error: 'too large' });
    request.resume();
  },

  // An interim answer before the real one: 103, or ?status=102.
  async interim({ response, query }) {
    if (query.get('status') === '102') response.writeProcessing();
    else response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    await sleep(5);
    answerJson(response, 200, { interim: true });
  },

  // ?to=URL with ?status=302.
  async redirect({ response, query }) {
    response.writeHead(number(query, 'status', 302), { location: query.get('to') ?? '/', 'content-length': 0 });
    response.end();
  },

  // /encoded/CODING?text=…: `text` in a content coding.
  async encoded({ response, query, rest }) {
    const body = codings[rest](query.get('text') ?? '');
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': rest, 'content-length': body.length });
    response.end(body);
  },

  // Answers only when the client has closed its half.
  async 'half-close'({ request, response }) {
    request.resume();
    await new Promise((done) => (request.socket.readableEnded ? done() : request.socket.once('end', done)));
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 12, connection: 'close' });
    response.end('half-closed\n');
  },

  // ?how= fin: no length, ends by closing; midway: closes within a body of known length; reset: RST within
  // it; chunk: closes within a chunked body; nothing: closes without an answer; late: answers whole, then
  // closes a connection that it said it keeps.
  async close({ request, response, query }) {
    request.resume();
    const { socket } = request;
    const how = query.get('how') ?? 'fin';
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';
    const heads = {
      fin: `${head}\r\nends with the connection\n`, midway: `${head}Content-Length: 100\r\n\r\nonly this`,
      reset: `${head}Content-Length: 100\r\n\r\nonly this`, chunk: `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nonly`,
      late: `${head}Content-Length: 5\r\n\r\nlate\n`, nothing: '',
    };
    response.detachSocket(socket);
    if (heads[how]) await new Promise((done) => socket.write(heads[how], done));
    if (how !== 'reset') return socket.end();
    await sleep(20);
    const plain = socket._parent ?? socket;
    return plain.resetAndDestroy ? plain.resetAndDestroy() : socket.destroy();
  },
};

async function serve(record, request, response) {
  const url = new URL(request.url, 'http://origin');
  const [, name, rest = ''] = url.pathname.split('/');
  record.add({ at: Date.now(), serverName: request.socket.servername || undefined, method: request.method,
    target: request.url, headers: request.rawHeaders });
  const route = routes[name];
  if (!route) return answerJson(response, 404, { error: 'no such route', routes: Object.keys(routes) });
  return route({ request, response, query: url.searchParams, rest });
}

// Every byte of each connection, as {serverName, bytes}, in the order of connecting; `record` gets what
// arrives piece by piece, for readers of its file.
function recordRaw(server, tls, record) {
  const connections = [];
  server.on(tls ? 'secureConnection' : 'connection', (socket) => {
    const connection = { serverName: socket.servername || undefined, bytes: Buffer.alloc(0) };
    connections.push(connection);
    const number = connections.length;
    socket.on('data', (data) => {
      connection.bytes = Buffer.concat([connection.bytes, data]);
      if (record.file) record.add({ at: Date.now(), connection: number, raw: data.toString('base64') });
    });
  });
  return connections;
}

// Starts one. `onContinue` says what becomes of `Expect: 100-continue`: 'continue', 'refuse' (417) or
// 'ignore' (a final answer without the interim one). Answers {port, record, connections (with `raw`), close}.
export async function startEchoOrigin({
  authority, names = ['localhost'], raw = false, onContinue = 'continue', record: file, port, host } = {}) {
  const record = new Record(file);
  const handle = (request, response) => {
    serve(record, request, response).catch(() => response.destroy());
  };
  const server = createServer({ authority, names }, handle);
  server.httpAllowHalfOpen = true;
  server.requestTimeout = 0;
  server.keepAliveTimeout = 75_000;
  server.on('checkContinue', (request, response) => {
    if (onContinue === 'refuse') return answerJson(response, 417, { error: 'expectation failed' }, { connection: 'close' });
    if (onContinue === 'continue') response.writeContinue();
    return handle(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    record.add({ at: Date.now(), serverName: socket.servername || undefined, method: request.method, target: request.url,
      headers: request.rawHeaders, upgrade: true });
    const peer = acceptWebSocket(request, socket, head);
    // ?greet=TEXT is sent at once, in the same segment as the answer's head.
    const greeting = new URL(request.url, 'http://origin').searchParams.get('greet');
    if (peer && greeting) peer.send(greeting);
    // ?fragments=N sends each message back in N frames.
    peer?.on('message', (payload, isText) => echoMessage(peer, payload, isText, request.url));
  });
  const connections = raw ? recordRaw(server, authority !== undefined, record) : undefined;
  return { record, connections, ...(await listen(server, { port, host })) };
}

function echoMessage(peer, payload, isText, target) {
  const count = number(new URL(target, 'http://origin').searchParams, 'fragments', 1);
  const size = Math.max(1, Math.ceil(payload.length / count));
  let opcode = isText ? 1 : 2;
  let at = 0;
  do {
    const part = payload.subarray(at, at + size);
    at += size;
    peer.send(part, { opcode, fin: at >= payload.length });
    opcode = 0;
  } while (at < payload.length);
}

await runAsProgram(import.meta.url, (options) => startEchoOrigin({ ...options, onContinue: options['on-continue'] }),
  { raw: { type: 'boolean' }, 'on-continue': { type: 'string' } });
