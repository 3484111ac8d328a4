// A played API: the built pages before a server that answers what a test tells it to. For states that
// the real server is hard to bring into, and for calls that it does not have yet.
//
//   const played = await new Played().start();
//   played.on('GET', '/api/keys', ({ query }) => pageOf(keys, query));
//   played.on('POST', '/api/keys', ({ body }) => answer(201, { id: '…', ...body }), { fresh: true });
//   const undo = played.fail('GET', '/api/keys', 503);       // until undo()
//   const release = played.hold('GET', '/api/keys');         // answers wait until release()
//   const page = await played.open('/keys', { width: 390 });
//   played.callsOf('POST', '/api/keys')[0].body;
//   await end(page);
//   await played.stop();
//
// What no test has told is 404, as on a server that lacks the call. Later tellings win over earlier ones.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

import { startPreview } from '../../web/scripts/preview_server.mjs';
import { openWindow, startChromium } from './window.mjs';

export { end, findings, saved, sideways } from './window.mjs';

export const answer = (status, body, headers = {}) => ({ isAnswer: true, status, body, headers });

export const problem = (status, code, detail, more = {}) => answer(status,
  { type: `/problems/${code}`, title: code, status, code, detail, requestId: 'played', ...more }, { 'content-type': 'application/problem+json' });

// One page of a list, as every list of the API gives it.
export function pageOf(items, query = {}, size = 50) {
  const from = Number(query.cursor ?? 0);
  const end = from + Math.min(Number(query.limit ?? size), size);
  return { items: items.slice(from, end), nextCursor: end < items.length ? String(end) : null };
}

const matches = (pattern, path) => {
  const want = pattern.split('/');
  const have = path.split('/');
  if (want.length !== have.length) return null;
  const params = {};
  for (const [index, part] of want.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = decodeURIComponent(have[index]);
    else if (part !== have[index]) return null;
  }
  return params;
};

const READING = ['GET', 'HEAD'];
const CODES = { 403: 'forbidden', 404: 'not_found', 409: 'conflict', 412: 'precondition_failed', 429: 'rate_limited', 500: 'internal' };
// Where the real server wants no token: nobody is signed in yet.
const OPEN = /^\/api\/(auth\/(login|register|invitation|invitation\/accept)|waitlist|branding)$/;

export class Played {
  constructor() {
    this.calls = [];
    this.streams = new Set();
    // Null: nobody is signed in. `fresh` false: what was told with {fresh: true} asks for a code, and
    // every code but 000000 is right.
    this.session = {
      level: 'full', fresh: true, freshUntil: null, expiresAt: '2099-01-01T00:00:00Z', csrfToken: randomUUID(),
      user: { id: '00000000-0000-4000-8000-000000000001', email: 'owner@example.com', role: 'owner', twoFactorEnabled: true, createdAt: '2026-01-05T09:00:00Z' },
      client: { id: '00000000-0000-4000-8000-0000000000c1', name: 'Example GmbH', plan: 'team', status: 'active', createdAt: '2026-01-05T09:00:00Z' },
    };
    this.reset();
  }

  // Forgets what was told, failed and held; what every page needs is told again.
  reset() {
    for (const { release } of this.holds ?? []) release();
    this.told = [];
    this.failures = [];
    this.holds = [];
    this.calls.length = 0;
    this.on('GET', '/api/auth/session', () => this.session);
    this.on('POST', '/api/auth/2fa/verify', ({ body }) => {
      if (body.code === '000000') return problem(401, 'invalid_credentials', 'This code is not right.');
      Object.assign(this.session, { fresh: true, csrfToken: randomUUID() });
      return { user: this.session.user };
    });
    this.on('POST', '/api/auth/logout', () => { this.session = null; return answer(204); });
    this.on('GET', '/api/branding', { name: 'DeployClaw', logoUrl: null, supportEmail: 'support@example.com', bookCallUrl: null, accent: null });
    this.on('GET', '/api/agents', { items: [], nextCursor: null });
    this.on('GET', '/api/audit', { items: [], nextCursor: null });
  }

  async start() {
    this.server = http.createServer((request, response) => void this.#serve(request, response));
    await new Promise((done) => { this.server.listen(0, '127.0.0.1', done); });
    this.preview = await startPreview(`http://127.0.0.1:${this.server.address().port}`);
    assert.equal((await fetch(`${this.preview.url}/app`)).status, 200, 'web/dist is not built: ./dev build web');
    this.url = this.preview.url;
    this.chromium = await startChromium();
    return this;
  }

  async stop() {
    await this.chromium?.close();
    await this.preview?.close();
    this.server?.closeAllConnections();
    await new Promise((done) => { this.server ? this.server.close(done) : done(); });
  }

  window(options) {
    return openWindow(this.chromium, this.url, options);
  }

  // A window of the app at this address.
  async open(address, options) {
    const page = await this.window(options);
    await page.open(address);
    return page;
  }

  // `reply` is a body, an answer(…), or a function of the call ({params, query, body, headers}) to one.
  on(method, pattern, reply, { fresh = false } = {}) {
    this.told.unshift({ method, pattern, reply, fresh });
  }

  // Answers with this status, or no answer at all for 'drop', until the returned function is called.
  fail(method, pattern, status = 503, detail = 'The database is away.') {
    const one = { method, pattern, status, detail };
    this.failures.unshift(one);
    return () => { this.failures = this.failures.filter((other) => other !== one); };
  }

  // Answers wait until the returned function is called: a slow network without a clock.
  hold(method, pattern) {
    const one = { method, pattern };
    one.released = new Promise((done) => { one.release = done; });
    this.holds.push(one);
    return () => {
      this.holds = this.holds.filter((other) => other !== one);
      one.release();
    };
  }

  callsOf(method, pattern) {
    return this.calls.filter((call) => call.method === method && matches(pattern, call.path));
  }

  // Turns the event stream on; without it the pages poll. emit() sends to every window.
  live() {
    this.on('GET', '/api/events', ({ headers, response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n');
      const stream = { response, lastEventId: headers['last-event-id'] ?? null };
      this.streams.add(stream);
      response.on('close', () => this.streams.delete(stream));
      return undefined;
    });
  }

  emit(event, data, id = randomUUID()) {
    for (const { response } of this.streams) response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  cutStreams() {
    for (const { response } of this.streams) response.destroy();
  }

  async #serve(request, response) {
    const url = new URL(request.url, 'http://localhost');
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const call = { method: request.method, path: url.pathname, query: Object.fromEntries(url.searchParams), headers: request.headers, response };
    try { call.body = text ? JSON.parse(text) : undefined; } catch { call.body = text; }
    this.calls.push(call);
    for (const hold of this.holds.filter((one) => one.method === call.method && matches(one.pattern, call.path))) await hold.released;
    let reply;
    try { reply = await this.#reply(call); } catch (error) { reply = problem(500, 'internal', `played: ${error.stack}`); }
    if (reply === undefined || response.destroyed) return;
    if (reply === 'drop') { response.destroy(); return; }
    const { status, body, headers } = reply?.isAnswer ? reply : answer(200, reply);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : JSON.stringify(body));
  }

  async #reply(call) {
    const failure = this.failures.find((one) => one.method === call.method && matches(one.pattern, call.path));
    if (failure) return failure.status === 'drop' ? 'drop' : problem(failure.status, CODES[failure.status] ?? 'unavailable', failure.detail);
    if (!this.session && !OPEN.test(call.path)) return problem(401, 'unauthenticated', 'Sign in first.');
    const told = this.told.find((one) => one.method === call.method && matches(one.pattern, call.path));
    if (!told) return problem(404, 'not_found', 'There is no such resource.');
    if (!READING.includes(call.method) && !OPEN.test(call.path)) {
      if (call.headers['x-csrf-token'] !== this.session.csrfToken) return problem(403, 'csrf_refused', 'The token does not fit.');
      if (told.fresh && !this.session.fresh) return problem(403, 'two_factor_required', 'A fresh code is needed.', { maxAge: 600 });
    }
    call.params = matches(told.pattern, call.path);
    return typeof told.reply === 'function' ? told.reply(call) : told.reply;
  }
}
