// What every fake server shares: listening (plain or TLS with a certificate per name), reading bodies,
// waiting for recorded requests, and being started from a command line.

import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { parseArgs } from 'node:util';

import { makeAuthority } from './authority.mjs';

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// TLS settings that show each of `names` a certificate of its own. Another or no server name fails the
// handshake, as a provider's front does.
export function contextsByName(authority, names) {
  const contexts = new Map(names.map((name) => {
    const { cert, key } = authority.issue([name]);
    return [name, tls.createSecureContext({ cert, key })];
  }));
  return {
    ALPNProtocols: ['http/1.1'],
    SNICallback: (name, done) => {
      const context = contexts.get(name.toLowerCase());
      done(context ? null : new Error(`no certificate for ${name}`), context);
    },
  };
}

// An HTTP server for `handler`: TLS when there is an authority, else plain.
export function createServer({ authority, names }, handler) {
  return authority ? https.createServer(contextsByName(authority, names), handler) : http.createServer(handler);
}

// Listens and answers {port, close}; close() also ends what is still connected.
export async function listen(server, { port = 0, host = '127.0.0.1' } = {}) {
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  await new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, done);
  });
  const close = () => new Promise((done) => {
    server.close(done);
    for (const socket of sockets) socket.destroy();
  });
  return { port: server.address().port, close };
}

export async function readBody(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// The JSON in `bytes`, or undefined.
export function parseJson(bytes) {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

export function answerJson(response, status, value, headers = {}) {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

// What a fake has received, in order. `file`, when given, also gets a JSON line for each.
export class Record {
  constructor(file) {
    this.entries = [];
    this.file = file;
    this.waiting = [];
  }

  add(entry) {
    this.entries.push(entry);
    if (this.file) fs.appendFileSync(this.file, JSON.stringify(entry) + '\n');
    this.waiting = this.waiting.filter(({ count, done }) => this.entries.length < count || (done(this.entries), false));
  }

  // The entries, once there are `count` of them; fails after `seconds`.
  async wait(count = 1, seconds = 10) {
    if (this.entries.length >= count) return this.entries;
    let timer;
    const late = new Promise((_, failed) => {
      timer = setTimeout(() => failed(new Error(`${this.entries.length} of ${count} requests after ${seconds} s`)), seconds * 1000);
    });
    const enough = new Promise((done) => this.waiting.push({ count, done }));
    return Promise.race([enough, late]).finally(() => clearTimeout(timer));
  }

  clear() {
    this.entries.length = 0;
  }
}

// What a test needs of an HTTP request; the record is plain JSON but for `body` (text).
export function describe(request, body) {
  return {
    at: Date.now(), serverName: request.socket.servername || undefined, method: request.method, target: request.url,
    headers: request.headers, rawHeaders: request.rawHeaders, trailers: request.trailers, body: body.toString(),
  };
}

// Runs `start(options)` when `module` (an import.meta.url) is the program. Common options are --port,
// --host, --dir (where the authority is made; default a new folder), --names a,b and --plain; `more`
// adds to them as in util.parseArgs. Prints one JSON line {port, caFile, …} once it listens.
export async function runAsProgram(moduleUrl, start, more = {}, defaultNames = ['localhost']) {
  if (!process.argv[1] || fs.realpathSync(process.argv[1]) !== new URL(moduleUrl).pathname) return;
  const text = { type: 'string' };
  const { values } = parseArgs({ options: {
    port: text, host: text, dir: text, names: text, record: text, plain: { type: 'boolean' }, ...more } });
  const dir = values.dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'deployclaw-fake-'));
  const authority = values.plain ? undefined : makeAuthority(dir);
  const names = values.names?.split(',') ?? defaultNames;
  const server = await start({ ...values, port: Number(values.port ?? 0), authority, names });
  console.log(JSON.stringify({ port: server.port, caFile: authority?.certFile }));
  const stop = async () => {
    await server.close();
    if (!values.dir) fs.rmSync(dir, { recursive: true });
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
}
