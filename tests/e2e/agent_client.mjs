// What runs inside an agent's network in the end-to-end tests: its ways out, by hand, so that every
// byte and every way to end a connection can be had. BUNDLE names the file of the client's authority.

import dns from 'node:dns/promises';
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';

import { openWebSocket } from '../fakes/websocket.mjs';

const GATEWAY = { host: '10.232.0.1', port: 3128 };
// Read once: a bundle has a hundred certificates.
const secureContext = tls.createSecureContext({ ca: fs.readFileSync(process.env.BUNDLE) });

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const report = (value) => console.log(JSON.stringify(value));

function connected(options) {
  return new Promise((done, failed) => {
    const socket = net.connect({ allowHalfOpen: true, ...options }, () => done(socket));
    socket.once('error', failed);
  });
}

// Reads until `enough(text)`, the end or a failure; gives {text, how}: 'enough', 'end', 'error'.
export function readUntil(socket, enough) {
  return new Promise((done) => {
    let bytes = Buffer.alloc(0);
    const settle = (how) => {
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('close', onClose);
      done({ text: bytes.toString('latin1'), how });
    };
    const onData = (data) => {
      bytes = Buffer.concat([bytes, data]);
      if (enough?.(bytes.toString('latin1'))) settle('enough');
    };
    const onEnd = () => settle('end');
    const onClose = (failed) => settle(failed ? 'error' : 'end');
    socket.on('error', () => {});
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onClose);
  });
}
export const readHead = (socket) => readUntil(socket, (text) => text.includes('\r\n\r\n'));
export const readToEnd = (socket) => readUntil(socket);

// A socket to `host`, as the proxy's tunnel or through the address that its name leads to.
export async function connect(way, host, port = 443) {
  if (way === 'transparent') {
    const resolver = new dns.Resolver();
    resolver.setServers(['9.9.9.9']);
    const [address] = await resolver.resolve4(host);
    return connected({ host: address, port });
  }
  const socket = await connected(GATEWAY);
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  const { text } = await readHead(socket);
  if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(text);
  return socket;
}

export const connectToProxy = () => connected(GATEWAY);

export function secure(socket, host) {
  return new Promise((done, failed) => {
    const secured = tls.connect({ socket, servername: host, secureContext }, () => done(secured));
    secured.once('error', failed);
  });
}

export const connectTls = async (way, host) => secure(await connect(way, host), host);

// An open WebSocket to wss://host/target: {peer, raw}; `raw` is the TCP socket below.
export async function socketTo(way, host, target = '/', headers = {}) {
  const raw = await connect(way, host);
  const secured = await secure(raw, host);
  return { raw, secured, peer: await openWebSocket(secured, { host, target, headers }) };
}

export const closed = (peer) => new Promise((done) => (peer.closed ? done() : peer.once('close', done)));

// One request on a fresh connection: {status, head, text, how}.
export async function request(way, host, { method = 'GET', target = '/', headers = {}, body = '' } = {}) {
  const socket = await connectTls(way, host);
  const lines = Object.entries({ Host: host, Connection: 'close', ...(body ? { 'Content-Length': Buffer.byteLength(body) } : {}), ...headers });
  socket.write(`${method} ${target} HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n${body}`);
  const { text, how } = await readToEnd(socket);
  const end = text.indexOf('\r\n\r\n');
  return { status: Number(text.slice(9, 12)), head: text.slice(0, end), text: text.slice(end + 4), how };
}
