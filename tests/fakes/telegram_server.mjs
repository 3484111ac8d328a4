// Telegram's Bot API as far as a bot needs it: getMe, getUpdates (long poll), sendMessage; the token
// stands in the path (/bot<TOKEN>/method).

import { createServer, describe, answerJson, listen, parseJson, readBody, Record, runAsProgram, sleep } from './listening.mjs';

const bot = { id: 123456, is_bot: true, first_name: 'Fake', username: 'fake_bot', can_join_groups: true,
  can_read_all_group_messages: false, supports_inline_queries: false };

class Telegram {
  constructor(token, file) {
    this.token = token;
    this.record = new Record(file);
    this.updates = [];
    this.nextUpdate = 1;
    this.nextMessage = 1;
    this.sent = [];
    this.wakers = [];
  }

  // Lets a person write to the bot.
  say(text, { chat = 1001, from = 'Ada' } = {}) {
    const message = { message_id: this.nextMessage++, date: Math.floor(Date.now() / 1000), text,
      from: { id: chat, is_bot: false, first_name: from }, chat: { id: chat, type: 'private', first_name: from } };
    this.updates.push({ update_id: this.nextUpdate++, message });
    for (const wake of this.wakers.splice(0)) wake();
  }

  async getUpdates({ offset = 0, timeout = 0, limit = 100 }) {
    this.updates = this.updates.filter((update) => update.update_id >= Number(offset));
    if (this.updates.length === 0 && timeout > 0) {
      await Promise.race([sleep(Number(timeout) * 1000), new Promise((done) => this.wakers.push(done))]);
    }
    return this.updates.slice(0, Number(limit));
  }

  sendMessage({ chat_id: chat, text }) {
    if (!chat || !text) return undefined;
    const message = { message_id: this.nextMessage++, date: Math.floor(Date.now() / 1000), text, from: bot,
      chat: { id: Number(chat), type: 'private', first_name: 'Ada' } };
    this.sent.push(message);
    return message;
  }

  async serve(request, response) {
    const body = await readBody(request);
    this.record.add(describe(request, body));
    const url = new URL(request.url, 'http://telegram');
    const [, token, method] = /^\/bot([^/]+)\/(\w+)$/.exec(url.pathname) ?? [];
    const fail = (status, description) => answerJson(response, status, { ok: false, error_code: status, description });
    if (token !== undefined && token !== this.token) return fail(401, 'Unauthorized');
    const given = { ...Object.fromEntries(url.searchParams), ...parameters(request, body) };
    const methods = { getMe: () => bot, getUpdates: () => this.getUpdates(given), sendMessage: () => this.sendMessage(given),
      deleteWebhook: () => true, setMyCommands: () => true, deleteMyCommands: () => true, sendChatAction: () => true,
      getWebhookInfo: () => ({ url: '', has_custom_certificate: false, pending_update_count: 0 }) };
    if (!methods[method]) return fail(404, 'Not Found');
    const result = await methods[method]();
    return result === undefined ? fail(400, 'Bad Request: message text is empty') : answerJson(response, 200, { ok: true, result });
  }
}

function parameters(request, body) {
  const type = request.headers['content-type'] ?? '';
  return type.startsWith('application/json') ? parseJson(body) ?? {} : Object.fromEntries(new URLSearchParams(body.toString()));
}

// Starts one that wants `token`. Answers {port, record, sent (messages of the bot), say(text), close}.
export async function startTelegramServer({ authority, names = ['api.telegram.org'], token = '123456:real', record, port, host } = {}) {
  const telegram = new Telegram(token, record);
  const server = createServer({ authority, names }, (request, response) => {
    telegram.serve(request, response).catch(() => response.destroy());
  });
  return Object.assign(telegram, await listen(server, { port, host }));
}

await runAsProgram(import.meta.url, startTelegramServer, { token: { type: 'string' } }, ['api.telegram.org']);
