// A model provider over TLS in the true wire formats of OpenAI and Anthropic. It checks the key, records
// every request, and can be told to show the key again in any disguise, to dawdle and to break off.

import * as anthropic from './anthropic.mjs';
import { codings, encodings, streamCoder } from './encodings.mjs';
import { answerJson, createServer, describe, listen, parseJson, readBody, Record, runAsProgram, sleep } from './listening.mjs';
import * as openai from './openai.mjs';

export const defaultNames = ['api.openai.com', 'api.anthropic.com'];

// What an answer is like. Change fields of the server's `behaviour` between requests.
export const defaults = () => ({
  reply: 'Hello from the model.',
  pieces: undefined,        // how many deltas the reply is streamed in; default one per word
  usage: { input: 11, output: 7 },   // null leaves it out
  tokens: undefined,        // a reply of so many words instead, and as many output tokens
  delay: 0,                 // ms before each streamed event
  echo: undefined,          // shows the key again, see below
  coding: undefined,        // content coding of every answer, whatever the client accepts
  abortAfter: undefined,    // cuts the connection after so many streamed events, or body bytes
  errorAfter: undefined,    // a stream's own error event after so many events
  fail: undefined,          // {status, message}: every request fails so
  call: undefined,          // {name, arguments}: calls this tool first, then replies (chat completions)
});

// `echo` is {where: 'header' | 'body' | 'error', encoding, coding, splitAt, splitEvery, pause, acrossEvents}:
// a disguise of encodings.mjs and a content coding; pieces end `splitAt` bytes into the disguise, or every
// `splitEvery` bytes, `pause` ms apart; `acrossEvents` cuts the reply with the key in it into so many deltas.

// Stands for the key inside an answer until it is serialised, so that its encoding is not escaped again.
const MARK = 'ECHOOFTHEKEY';

const routes = {
  'POST /v1/chat/completions': {
    shape: openai, needs: ['model', 'messages'], answer: openai.chatAnswer, events: openai.chatEvents, calls: true },
  'POST /v1/responses': { shape: openai, needs: ['model', 'input'], answer: openai.responsesAnswer, events: openai.responsesEvents },
  'POST /v1/messages': { shape: anthropic, needs: ['model', 'messages', 'max_tokens'], answer: anthropic.messagesAnswer, events: anthropic.messagesEvents },
  'GET /v1/models': { shape: openai },
};

// Words with the spaces before them, or `count` pieces of about the same length.
function piecesOf(text, count) {
  if (count === undefined) return text.match(/\s*\S+/g) ?? [text];
  const size = Math.max(1, Math.ceil(text.length / count));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, n) => text.slice(n * size, (n + 1) * size));
}

// Where the pieces of `bytes` end: at echo.splitAt bytes into the key's disguise (or into the whole body
// when it is compressed), or each echo.splitEvery bytes.
function cut(bytes, echo, disguise, compressed) {
  if (echo?.splitEvery) {
    return Array.from({ length: Math.ceil(bytes.length / echo.splitEvery) },
      (_, n) => bytes.subarray(n * echo.splitEvery, (n + 1) * echo.splitEvery));
  }
  if (echo?.splitAt === undefined) return [bytes];
  const start = compressed ? 0 : bytes.indexOf(disguise);
  const at = start + echo.splitAt;
  return start < 0 || at <= 0 || at >= bytes.length ? [bytes] : [bytes.subarray(0, at), bytes.subarray(at)];
}

class Answer {
  constructor(response, shape, behaviour, key) {
    Object.assign(this, { response, shape, behaviour, echo: behaviour.echo });
    this.disguise = this.echo ? encodings[this.echo.encoding ?? 'literal'](key) : '';
    this.coding = this.echo?.coding ?? behaviour.coding ?? 'identity';
  }

  get usage() {
    const { usage, tokens } = this.behaviour;
    return tokens === undefined || !usage ? usage ?? undefined : { ...usage, output: tokens };
  }

  // The reply, with the key where the echo wants it.
  get text() {
    const { reply, tokens } = this.behaviour;
    const words = tokens === undefined ? reply : Array.from({ length: tokens }, (_, n) => `word${n}`).join(' ');
    if (this.echo?.where !== 'body') return words;
    return `${words} Your key is ${this.echo.acrossEvents ? this.disguise : MARK}.`;
  }

  head(status, type) {
    const headers = { 'content-type': type, ...this.shape.headers() };
    if (this.coding !== 'identity') headers['content-encoding'] = this.coding;
    if (this.echo?.where === 'header') headers['x-echo'] = this.disguise;
    this.response.writeHead(status, headers);
    this.response.flushHeaders();
  }

  reveal(text) {
    return text.replaceAll(MARK, () => this.disguise);
  }

  // Each piece is one write, so one HTTP chunk and one TLS record.
  async write(bytes) {
    const pieces = cut(bytes, this.echo, this.disguise, this.coding !== 'identity');
    for (const [n, piece] of pieces.entries()) {
      if (n > 0 && this.echo.pause) await sleep(this.echo.pause);
      await new Promise((done) => this.response.write(piece, done));
    }
  }

  async json(status, value) {
    const bytes = codings[this.coding](this.reveal(JSON.stringify(value)));
    this.head(status, 'application/json');
    if (this.behaviour.abortAfter !== undefined && status === 200) {
      await this.write(bytes.subarray(0, this.behaviour.abortAfter));
      return this.response.socket.destroy();
    }
    await this.write(bytes);
    return this.response.end();
  }

  async stream(events) {
    this.head(200, 'text/event-stream; charset=utf-8');
    const coder = streamCoder(this.coding);
    for (const [n, text] of events.entries()) {
      if (n === this.behaviour.abortAfter) return this.response.socket.destroy();
      if (n === this.behaviour.errorAfter) {
        await this.write(await coder.write(this.shape.streamError('The server had an error')));
        break;
      }
      if (this.behaviour.delay > 0) await sleep(this.behaviour.delay);
      if (this.response.destroyed) return undefined;
      await this.write(await coder.write(this.reveal(text)));
    }
    const rest = await coder.end();
    return this.response.end(rest.length > 0 ? rest : undefined);
  }
}

// Answers {status, value} when the request is refused.
function refusal(route, request, body, key, presented, behaviour) {
  const { shape } = route;
  if (key !== undefined && presented !== key) return { status: 401, value: shape.unauthorized(presented ?? '') };
  if (behaviour.fail) return { status: behaviour.fail.status, value: shape.error(behaviour.fail.message, 'server_error') };
  if (behaviour.echo?.where === 'error') return { status: 401, value: shape.unauthorized(MARK, true) };
  if (shape === anthropic && !request.headers['anthropic-version']) {
    return { status: 400, value: anthropic.missing('anthropic-version') };
  }
  if (!route.needs) return undefined;
  if (body === undefined || typeof body !== 'object') return { status: 400, value: shape.badJson() };
  const absent = route.needs.find((name) => body[name] === undefined);
  return absent ? { status: 400, value: shape.missing(absent) } : undefined;
}

async function serve(server, request, response) {
  const { behaviour, keys, models, record } = server;
  const bytes = await readBody(request);
  record.add(describe(request, bytes));
  const route = routes[`${request.method} ${new URL(request.url, 'http://x').pathname}`];
  if (!route) {
    return answerJson(response, 404, openai.error(`Invalid URL (${request.method} ${request.url})`, 'invalid_request_error'));
  }
  const key = route.shape === openai ? keys.openai : keys.anthropic;
  const presented = route.shape.presentedKey(request);
  const answer = new Answer(response, route.shape, { ...behaviour }, key ?? presented ?? '');
  const body = parseJson(bytes);
  const refused = refusal(route, request, body, key, presented, behaviour);
  if (refused) return answer.json(refused.status, refused.value);
  if (!route.needs) return answer.json(200, openai.models(models));
  const pieces = piecesOf(answer.text, answer.echo?.acrossEvents ?? behaviour.pieces);
  const call = route.calls && openai.wantsCall(body) ? behaviour.call : undefined;
  const content = { text: answer.text, pieces, usage: answer.usage, call };
  return body.stream ? answer.stream(route.events(body, content)) : answer.json(200, route.answer(body, content));
}

// Starts one. `keys` are the real keys it wants to see ({openai, anthropic}; one that is undefined is not
// checked); without `authority` it speaks plain HTTP. Answers {port, behaviour, record, close}.
export async function startModelServer({
  authority, names = defaultNames, keys = {}, models = ['gpt-fake', 'claude-fake'], behaviour = {}, record, port, host } = {}) {
  const server = { behaviour: { ...defaults(), ...behaviour }, keys, models, record: new Record(record) };
  const listener = createServer({ authority, names }, (request, response) => {
    serve(server, request, response).catch(() => response.destroy());
  });
  return Object.assign(server, await listen(listener, { port, host }));
}

const text = { type: 'string' };
await runAsProgram(import.meta.url, (options) => startModelServer({
  ...options,
  keys: { openai: options['openai-key'], anthropic: options['anthropic-key'] },
  // For example --behaviour '{"delay":20,"echo":{"where":"body","encoding":"base64"}}'.
  behaviour: JSON.parse(options.behaviour ?? '{}'),
}), { 'openai-key': text, 'anthropic-key': text, behaviour: text }, defaultNames);
