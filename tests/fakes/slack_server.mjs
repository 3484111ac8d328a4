// Slack as far as Socket Mode needs it: auth.test (bot token), apps.connections.open (app token), the
// WebSocket it points to, chat.postMessage.

import { randomBytes } from 'node:crypto';

import { answerJson, createServer, describe, listen, parseJson, readBody, Record, runAsProgram } from './listening.mjs';
import { acceptWebSocket } from './websocket.mjs';

class Slack {
  constructor({ botToken, appToken, record, socketHost }) {
    Object.assign(this, { botToken, appToken, socketHost });
    this.record = new Record(record);
    this.tickets = new Set();
    this.sockets = [];
    this.envelopes = new Record();   // what clients sent over Socket Mode: acknowledgements
    this.sent = [];
  }

  // Lets a person write in a channel. Goes to every open socket.
  say(text, { channel = 'C0FAKE', user = 'U0ADA' } = {}) {
    const ts = (Date.now() / 1000).toFixed(6);
    const envelope = { envelope_id: randomBytes(16).toString('hex'), type: 'events_api', accepts_response_payload: false,
      payload: { type: 'event_callback', team_id: 'T0FAKE', event: { type: 'message', channel, user, text, ts, event_ts: ts } } };
    for (const socket of this.sockets) socket.sendJson(envelope);
    return envelope.envelope_id;
  }

  call(method, token, given, request) {
    const wanted = method === 'apps.connections.open' ? this.appToken : this.botToken;
    if (token !== wanted) return { ok: false, error: token ? 'invalid_auth' : 'not_authed' };
    if (method === 'auth.test') {
      return { ok: true, url: 'https://fake.slack.com/', team: 'Fake', user: 'bot', team_id: 'T0FAKE', user_id: 'U0BOT', bot_id: 'B0FAKE' };
    }
    if (method === 'apps.connections.open') {
      const ticket = randomBytes(12).toString('hex');
      this.tickets.add(ticket);
      const host = this.socketHost ?? request.headers.host;
      const scheme = request.socket.encrypted ? 'wss' : 'ws';
      return { ok: true, url: `${scheme}://${host}/link/?ticket=${ticket}&app_id=A0FAKE` };
    }
    if (method === 'chat.postMessage') {
      this.sent.push(given);
      return { ok: true, channel: given.channel, ts: (Date.now() / 1000).toFixed(6), message: { type: 'message', text: given.text } };
    }
    return { ok: false, error: 'unknown_method' };
  }

  async serve(request, response) {
    const body = await readBody(request);
    this.record.add(describe(request, body));
    const { pathname } = new URL(request.url, 'http://slack');
    if (!pathname.startsWith('/api/')) return answerJson(response, 404, { ok: false, error: 'not_found' });
    const type = request.headers['content-type'] ?? '';
    const given = type.startsWith('application/json') ? parseJson(body) ?? {} : Object.fromEntries(new URLSearchParams(body.toString()));
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    return answerJson(response, 200, this.call(pathname.slice(5), bearer ?? given.token, given, request));
  }

  // A ticket opens one socket, once.
  upgrade(request, socket, head) {
    this.record.add({ ...describe(request, ''), upgrade: true });
    const ticket = new URL(request.url, 'http://slack').searchParams.get('ticket');
    if (!this.tickets.delete(ticket)) return void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    const peer = acceptWebSocket(request, socket, head);
    if (!peer) return;
    this.sockets.push(peer);
    peer.on('close', () => { this.sockets = this.sockets.filter((other) => other !== peer); });
    peer.on('message', (payload) => this.envelopes.add(parseJson(payload) ?? payload.toString()));
    peer.sendJson({ type: 'hello', num_connections: this.sockets.length, connection_info: { app_id: 'A0FAKE' },
      debug_info: { host: 'applink-fake', approximate_connection_time: 18060 } });
  }
}

// Starts one. Answers {port, record, sent, envelopes, say(text), close}. `socketHost` is the host:port put
// into the WebSocket's URL (default: the Host of the request).
export async function startSlackServer({ authority, names = ['slack.com', 'wss-primary.slack.com'], botToken = 'xoxb-real',
  appToken = 'xapp-real', socketHost, record, port, host } = {}) {
  const slack = new Slack({ botToken, appToken, record, socketHost });
  const server = createServer({ authority, names }, (request, response) => {
    slack.serve(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => slack.upgrade(request, socket, head));
  return Object.assign(slack, await listen(server, { port, host }));
}

const text = { type: 'string' };
await runAsProgram(import.meta.url, (options) => startSlackServer({
  ...options, botToken: options['bot-token'], appToken: options['app-token'], socketHost: options['socket-host'] }),
{ 'bot-token': text, 'app-token': text, 'socket-host': text }, ['slack.com', 'wss-primary.slack.com']);
