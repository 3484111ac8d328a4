// An origin for what ordinary ones do not do: WebSockets that ping, close, abort and show a text in
// pieces; requests that are never answered, or too early. TLS or plain.

import { answerJson, createServer, listen, runAsProgram } from './listening.mjs';
import { acceptWebSocket, opcodes } from './websocket.mjs';

// The forms a text can be shown in.
const forms = {
  literal: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  hex: (text) => Buffer.from(text).toString('hex'),
};
const queryOf = (target) => new URL(target, 'http://origin').searchParams;

// Cuts at ?at=N, or into pieces of ?every=N.
function pieces(text, query) {
  const whole = `it is ${text} indeed`;
  const every = Number(query.get('every') ?? 0);
  if (every > 0) return whole.match(new RegExp(`[^]{1,${every}}`, 'g'));
  const at = 6 + Number(query.get('at') ?? 0);
  return [whole.slice(0, at), whole.slice(at)];
}

// What a session does with its WebSocket, by the first part of its path.
const sockets = {
  // Sends each message back; ?fragments=N in N frames.
  echo({ peer, query }) {
    peer.on('message', (payload, isText) => {
      const count = Number(query.get('fragments') ?? 1);
      const size = Math.max(1, Math.ceil(payload.length / count));
      let opcode = isText ? opcodes.text : opcodes.binary;
      for (let at = 0; at === 0 || at < payload.length; at += size) {
        peer.send(payload.subarray(at, at + size), { opcode, fin: at + size >= payload.length });
        opcode = opcodes.continuation;
      }
    });
  },

  // Pings, and says what the pong held.
  ping({ peer }) {
    peer.on('frame', (frame) => frame.opcode === opcodes.pong && peer.send(`ponged: ${frame.payload}`));
    peer.send('are you there', { opcode: opcodes.ping });
  },

  // Closes with ?code=N when a message comes.
  close({ peer, query }) {
    peer.on('message', () => peer.close(Number(query.get('code')), 'as asked'));
  },

  // Resets the connection when a message comes.
  abort({ socket, peer }) {
    peer.on('message', () => (socket._parent ?? socket).resetAndDestroy());
  },

  // Shows the text when a message comes, in a ?form=, cut by ?at= or ?every=, with ?ping=1 between the
  // frames; or ?in= a ping or a close frame. Then it closes.
  leak({ peer, query, text }) {
    peer.on('message', () => {
      const shown = forms[query.get('form') ?? 'literal'](text);
      const where = query.get('in');
      if (where === 'ping') peer.send(shown, { opcode: opcodes.ping });
      if (where === 'close') return peer.close(1000, shown);
      if (!where) {
        const parts = pieces(shown, query);
        parts.forEach((part, i) => {
          peer.send(part, { opcode: i === 0 ? opcodes.text : opcodes.continuation, fin: i === parts.length - 1 });
          if (query.has('ping') && i === 0) peer.send('', { opcode: opcodes.ping });
        });
      }
      return peer.close();
    });
  },
};

const routes = {
  // Reads the request and says nothing.
  never({ request }) { request.resume(); },

  // Refuses before the body is read, and reads no more of it.
  early({ request, response }) {
    request.pause();
    answerJson(response, 413, { error: 'too large' }, { connection: 'close' });
  },

  // The text in a trailer.
  trailer({ response, text }) {
    response.writeHead(200, { 'content-type': 'text/plain', trailer: 'X-Key' });
    response.write('see below\n');
    response.addTrailers({ 'X-Key': text });
    response.end();
  },

  // 1024 times `mebibyte`.
  async gigabyte({ response, mebibyte }) {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': 1024 * mebibyte.length });
    for (let i = 0; i < 1024 && !response.destroyed; ++i) {
      if (response.write(mebibyte)) continue;
      await new Promise((done) => {
        const on = () => { response.off('drain', on).off('close', on); done(); };
        response.on('drain', on).on('close', on);
      });
    }
    response.end();
  },
};

// Starts one that shows `text`. Answers {port, sessions (of WebSockets: target, headers, messages,
// payloads, code (a promise)), ended (targets whose client is gone), disguise(target), mebibyte, close}.
export async function startOddOrigin({ authority, names = ['localhost'], text = 'a text to show', port, host } = {}) {
  const mebibyte = Buffer.alloc(1 << 20, 'The quick brown fox jumps over the lazy dog. ');
  const origin = { sessions: [], ended: [], mebibyte,
    disguise: (target) => forms[queryOf(target).get('form') ?? 'literal'](text) };
  const server = createServer({ authority, names }, (request, response) => {
    const [, name] = new URL(request.url, 'http://origin').pathname.split('/');
    response.on('close', () => origin.ended.push(request.url));
    const route = routes[name];
    if (!route) return answerJson(response, 404, { error: 'no such route' });
    return route({ request, response, text, mebibyte });
  });
  server.on('upgrade', (request, socket, head) => {
    const peer = acceptWebSocket(request, socket, head);
    if (!peer) return;
    const session = { target: request.url, headers: request.headers, messages: [], payloads: [] };
    session.code = new Promise((done) => peer.once('close', done));
    peer.on('frame', (frame) => session.payloads.push(frame.payload));
    peer.on('message', (payload) => session.messages.push(payload.toString()));
    origin.sessions.push(session);
    const [, name] = new URL(request.url, 'http://origin').pathname.split('/');
    sockets[name]?.({ peer, socket, text, query: queryOf(request.url) });
  });
  return Object.assign(origin, await listen(server, { port, host }));
}

await runAsProgram(import.meta.url, startOddOrigin, { text: { type: 'string' } });
