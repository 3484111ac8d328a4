// Discord as far as a bot needs it: REST /api/v10 (users/@me, gateway/bot, channel messages) and the
// gateway: HELLO, IDENTIFY with the token, READY, heartbeats. Tokens stand in a header and in a frame.

import { answerJson, createServer, describe, listen, parseJson, readBody, Record, runAsProgram } from './listening.mjs';
import { acceptWebSocket } from './websocket.mjs';

const op = { dispatch: 0, heartbeat: 1, identify: 2, resume: 6, hello: 10, heartbeatAck: 11 };
const user = { id: '80351110224678912', username: 'fake', discriminator: '0', global_name: null, avatar: null, bot: true, flags: 0 };

class Discord {
  constructor({ token, record, gateway, echoToken }) {
    Object.assign(this, { token, gateway, echoToken });
    this.record = new Record(record);
    this.frames = new Record();   // every payload of the gateway's clients, as they sent it
    this.ready = [];
    this.sent = [];
  }

  // Lets a person write in a channel. Goes to every session that is READY.
  say(content, { channel = '1001', author = 'ada' } = {}) {
    for (const session of this.ready) {
      session.dispatch('MESSAGE_CREATE', { id: String(Date.now()), channel_id: channel, content, type: 0, timestamp: new Date().toISOString(),
        author: { id: '1', username: author, discriminator: '0' }, attachments: [], embeds: [], mentions: [] });
    }
  }

  async serve(request, response) {
    const body = await readBody(request);
    this.record.add(describe(request, body));
    const { pathname } = new URL(request.url, 'http://discord');
    if (request.headers.authorization !== `Bot ${this.token}`) return answerJson(response, 401, { message: '401: Unauthorized', code: 0 });
    const gateway = this.gateway ?? `wss://${request.headers.host}`;
    const answers = {
      'GET /api/v10/users/@me': user,
      'GET /api/v10/gateway/bot': { url: gateway, shards: 1, session_start_limit: { total: 1000, remaining: 999, reset_after: 0, max_concurrency: 1 } },
      'GET /api/v10/oauth2/applications/@me': { id: user.id, name: 'fake', bot_public: true, flags: 0 },
    };
    const fixed = answers[`${request.method} ${pathname}`];
    if (fixed) return answerJson(response, 200, fixed);
    const [, channel] = /^\/api\/v10\/channels\/(\d+)\/messages$/.exec(pathname) ?? [];
    if (!channel || request.method !== 'POST') return answerJson(response, 404, { message: '404: Not Found', code: 0 });
    const message = { id: String(Date.now()), channel_id: channel, content: parseJson(body)?.content, author: user };
    this.sent.push(message);
    return answerJson(response, 200, message);
  }

  upgrade(request, socket, head) {
    this.record.add({ ...describe(request, ''), upgrade: true });
    const peer = acceptWebSocket(request, socket, head);
    if (!peer) return;
    let sequence = 0;
    const session = { dispatch: (t, d) => peer.sendJson({ t, s: ++sequence, op: op.dispatch, d }) };
    peer.on('message', (payload) => {
      const value = parseJson(payload);
      this.frames.add(value ?? payload.toString());
      if (value === undefined) return peer.close(4002, 'Error while decoding payload.');
      return this.take(peer, session, value);
    });
    peer.on('close', () => { this.ready = this.ready.filter((other) => other !== session); });
    peer.sendJson({ t: null, s: null, op: op.hello, d: { heartbeat_interval: 41250, _trace: ['["fake"]'] } });
  }

  take(peer, session, { op: code, d }) {
    if (code === op.heartbeat) return peer.sendJson({ t: null, s: null, op: op.heartbeatAck, d: null });
    if (code !== op.identify && code !== op.resume) return peer.close(4001, 'Unknown opcode.');
    if (d?.token !== this.token) return peer.close(4004, 'Authentication failed.');
    this.ready.push(session);
    if (code === op.resume) return session.dispatch('RESUMED', {});
    // A careless server: the token comes back in a frame.
    const echo = this.echoToken ? { echo: d.token } : {};
    return session.dispatch('READY', { v: 10, user, guilds: [], session_id: 'fakesession', application: { id: user.id, flags: 0 },
      resume_gateway_url: this.gateway ?? 'wss://gateway.discord.gg', ...echo });
  }
}

// Starts one that wants `token`. Answers {port, record, frames, sent, say(text), close}. `gateway` is the
// URL that gateway/bot answers; with `echoToken` READY shows the token again.
export async function startDiscordServer({ authority, names = ['discord.com', 'gateway.discord.gg'], token = 'real.discord.token',
  gateway, echoToken = false, record, port, host } = {}) {
  const discord = new Discord({ token, gateway, echoToken, record });
  const server = createServer({ authority, names }, (request, response) => {
    discord.serve(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => discord.upgrade(request, socket, head));
  return Object.assign(discord, await listen(server, { port, host }));
}

const text = { type: 'string' };
await runAsProgram(import.meta.url, startDiscordServer, { token: text, gateway: text }, ['discord.com', 'gateway.discord.gg']);
