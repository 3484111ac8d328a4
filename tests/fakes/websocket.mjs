// RFC 6455 by hand, both sides, for fakes and tests. Shows frames as they are, so that a test can send
// fragments, control frames in between and broken ones too.

import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const MAX_PAYLOAD = 64 << 20;

export const acceptKey = (key) =>
  createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');

// One frame (RFC 6455 §5.2). A client must mask; `fin` false leaves the message open.
export function encodeFrame(payload, { opcode = opcodes.text, fin = true, mask = false } = {}) {
  const data = Buffer.from(payload);
  const size = data.length < 126 ? 0 : data.length < 65536 ? 2 : 8;
  const head = Buffer.alloc(2 + size);
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = (mask ? 0x80 : 0) | (size === 0 ? data.length : size === 2 ? 126 : 127);
  if (size === 2) head.writeUInt16BE(data.length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(data.length), 2);
  if (!mask) return Buffer.concat([head, data]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, unmask(data, key)]);
}

function unmask(data, key) {
  const out = Buffer.allocUnsafe(data.length);
  for (let i = 0; i < data.length; ++i) out[i] = data[i] ^ key[i & 3];
  return out;
}

// The frame at the start of `bytes`: {fin, rsv, opcode, masked, payload, size}; undefined if more is needed.
export function decodeFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const masked = (bytes[1] & 0x80) !== 0;
  let length = bytes[1] & 0x7f;
  let at = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  if (length > MAX_PAYLOAD) throw new Error(`a WebSocket frame of ${length} bytes`);
  const body = at + (masked ? 4 : 0);
  if (bytes.length < body + length) return undefined;
  const raw = bytes.subarray(body, body + length);
  return {
    fin: (bytes[0] & 0x80) !== 0, rsv: (bytes[0] >> 4) & 7, opcode: bytes[0] & 15, masked,
    payload: masked ? unmask(raw, bytes.subarray(at, at + 4)) : Buffer.from(raw), size: body + length,
  };
}

// One end of an upgraded connection. Emits 'frame' for each, 'message' (payload, isText) for whole
// messages and 'close' (code) once; answers pings and closes by itself.
export class WebSocketPeer extends EventEmitter {
  constructor(socket, head = Buffer.alloc(0), { client = false } = {}) {
    super();
    this.socket = socket;
    this.client = client;
    this.pending = Buffer.alloc(0);
    this.fragments = [];
    this.inbox = [];
    this.closed = false;
    socket.on('data', (data) => this.receive(data));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => this.finish(1006));
    if (head.length > 0) {
      // Not before whoever awaits this object had its turn to listen, and not after what follows.
      socket.pause();
      setImmediate(() => {
        this.receive(head);
        socket.resume();
      });
    }
  }

  send(payload, options = {}) {
    this.socket.write(encodeFrame(payload, { mask: this.client, ...options }));
  }

  sendJson(value) {
    this.send(JSON.stringify(value));
  }

  close(code = 1000, reason = '') {
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.send(payload, { opcode: opcodes.close });
    this.socket.end();
  }

  // The next whole message as text; fails when the connection closes first. Messages wait for it when
  // nobody listens to 'message'.
  next() {
    if (this.inbox.length > 0) return Promise.resolve(this.inbox.shift().toString());
    if (this.closed) return Promise.reject(new Error('already closed'));
    return new Promise((done, failed) => {
      const settle = (act) => (value) => {
        this.off('message', onMessage);
        this.off('close', onClose);
        act(value);
      };
      const onMessage = settle((payload) => done(payload.toString()));
      const onClose = settle((code) => failed(new Error(`closed with ${code}`)));
      this.on('message', onMessage);
      this.on('close', onClose);
    });
  }

  finish(code) {
    if (this.closed) return;
    this.closed = true;
    this.emit('close', code);
  }

  receive(data) {
    this.pending = Buffer.concat([this.pending, data]);
    let frame;
    while (!this.closed && (frame = decodeFrame(this.pending))) {
      this.pending = this.pending.subarray(frame.size);
      this.emit('frame', frame);
      this.take(frame);
    }
  }

  take({ fin, opcode, masked, payload }) {
    if (masked === this.client) return this.close(1002, 'masking');
    if (opcode === opcodes.ping) return this.send(payload, { opcode: opcodes.pong });
    if (opcode === opcodes.pong) return undefined;
    if (opcode === opcodes.close) {
      const code = payload.length >= 2 ? payload.readUInt16BE() : 1005;
      this.send(payload, { opcode: opcodes.close });
      this.socket.end();
      return this.finish(code);
    }
    if (opcode !== opcodes.continuation) this.kind = opcode;
    this.fragments.push(payload);
    if (!fin) return undefined;
    const message = Buffer.concat(this.fragments.splice(0));
    if (!this.emit('message', message, this.kind === opcodes.text)) this.inbox.push(message);
    return undefined;
  }
}

// Answers an 'upgrade' event of an http.Server and gives the server's end, or refuses with 400.
export function acceptWebSocket(request, socket, head, headers = {}) {
  const key = request.headers['sec-websocket-key'];
  if (!key || request.headers['sec-websocket-version'] !== '13') {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return undefined;
  }
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${acceptKey(key)}\r\n${more}\r\n`);
  return new WebSocketPeer(socket, head);
}

// Opens a WebSocket over a connected socket (plain, TLS or a proxy's tunnel); gives the client's end.
export function openWebSocket(socket, { host, target = '/', headers = {} }) {
  const key = randomBytes(16).toString('base64');
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`);
  return new Promise((done, failed) => {
    let answer = Buffer.alloc(0);
    const onData = (data) => {
      answer = Buffer.concat([answer, data]);
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onData);
      const text = answer.subarray(0, end).toString();
      if (!/^HTTP\/1\.1 101 /.test(text) || !text.includes(acceptKey(key))) return failed(new Error(`refused: ${text}`));
      done(new WebSocketPeer(socket, answer.subarray(end + 4), { client: true }));
    };
    socket.on('data', onData);
    socket.on('close', () => failed(new Error('closed before the upgrade')));
    socket.on('error', failed);
  });
}
