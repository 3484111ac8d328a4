// A model provider that keeps its own book: what it read and what it generated, whoever still listened.
// OpenAI's chat completions and Anthropic's messages, streamed or not.

import * as anthropic from './anthropic.mjs';
import { answerJson, createServer, listen, parseJson, readBody, sleep } from './listening.mjs';
import * as openai from './openai.mjs';

// Micro-dollars for a token: gpt-5.4-mini and claude-haiku-4-5, as catalog/models has them.
const PRICES = { 'gpt-5.4-mini': [0.75, 4.5], 'claude-haiku-4-5': [1, 5] };
const DEAREST = [150, 600];

// `behaviour`: {tokens: written per answer if its limit allows, perEvent, delay: ms between events,
// usage: tells it, stall: never ends, fail: a status}.
export async function startBillingServer({ authority, names, port, host, behaviour = {} }) {
  const server = {
    behaviour: { tokens: 1_000_000, perEvent: 100, delay: 0, usage: true, stall: false, fail: 0, ...behaviour },
    billed: 0,       // micro-dollars
    requests: [],    // bodies, as they came
    open: 0,
  };

  async function serve(request, response) {
    const bytes = await readBody(request);
    const body = parseJson(bytes);
    server.requests.push({ path: request.url, body, text: bytes.toString() });
    const now = { ...server.behaviour };
    const shape = request.url.startsWith('/v1/messages') ? anthropic : openai;
    if (now.fail) return answerJson(response, now.fail, shape.error('no', 'server_error'));
    const [input, output] = PRICES[body.model] ?? DEAREST;
    const usage = { input: Math.ceil(bytes.length / 4), output: 0 };
    server.billed += usage.input * input;
    const most = body.max_completion_tokens ?? body.max_tokens ?? Infinity;
    const wanted = Math.min(now.tokens, most);
    // It bills what it generates, whether anybody reads it or not.
    const generate = (count) => {
      usage.output += count;
      server.billed += count * output;
    };
    if (!body.stream) {
      generate(wanted);
      const content = { text: 'word', usage: now.usage ? usage : undefined };
      return answerJson(response, 200, shape === openai ? openai.chatAnswer(body, content) : anthropic.messagesAnswer(body, content));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const told = { pieces: ['MARK'], usage: now.usage ? usage : undefined };
    const events = () => (shape === openai ? openai.chatEvents(body, told) : anthropic.messagesEvents(body, told));
    const middle = events().findIndex((text) => text.includes('MARK'));
    const send = (text) => response.destroyed || response.write(text);
    events().slice(0, middle).forEach(send);
    server.open += 1;
    for (let left = wanted; left > 0 || now.stall; left -= now.perEvent) {
      const count = Math.max(0, Math.min(left, now.perEvent));
      generate(count);
      send(events()[middle].replace('MARK', 'word '.repeat(Math.max(1, count))));
      if (now.delay || now.stall) await sleep(now.delay || 50);
      if (response.destroyed) break;
    }
    server.open -= 1;
    events().slice(middle + 1).forEach(send);
    return response.end();
  }

  const listener = createServer({ authority, names }, (request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  return Object.assign(server, await listen(listener, { port, host }));
}
