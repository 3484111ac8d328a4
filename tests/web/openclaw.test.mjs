// The main job with nothing but the page: the wizard deploys the real OpenClaw with a model of Anthropic
// and a Telegram bot; somebody writes to the bot, and it answers. Keys only ever leave by the gate.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';

import { makeAuthority } from '../fakes/authority.mjs';
import { startModelServer } from '../fakes/model_server.mjs';
import { startTelegramServer } from '../fakes/telegram_server.mjs';
import { Site, until } from './browser.mjs';

const KEY = `sk-ant-api03-${'realKeyOfAnthropic'.repeat(3)}AA`;
const TOKEN = '7123456789:AArealTelegramToken_abcdefghijklmnop';
const site = new Site();
let models;
let telegram;

before(async () => {
  const authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-web-openclaw-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  models = await startModelServer({ authority, names: ['api.anthropic.com'], host: '127.0.0.2', port: 443, keys: { anthropic: KEY } });
  telegram = await startTelegramServer({ authority, host: '127.0.0.7', port: 443, token: TOKEN });
  models.behaviour.reply = 'The answer is forty-two.';
  await site.start(['egress.hosts=api.anthropic.com=127.0.0.2,api.telegram.org=127.0.0.7', `egress.extra_roots=${authority.certFile}`]);
});
after(async () => {
  assert.equal(await site.stop(), 0);
  await models.close();
  await telegram.close();
});

test('a bot in Telegram answers, deployed with the page alone', async () => {
  const customer = await site.customer();
  const page = await site.window({ customer });
  await page.open('/agents/new');
  const next = page.getByRole('button', { name: 'Continue' });
  await page.getByLabel('Name', { exact: true }).fill('Telegram assistant');
  await page.getByRole('radio', { name: /^OpenClaw/ }).check();
  await next.click();
  await page.getByRole('radio', { name: 'Anthropic' }).check();
  await page.getByLabel('Anthropic API key').fill(KEY);
  await next.click();
  await page.getByRole('radio', { name: 'Telegram', exact: true }).check();
  await page.getByLabel('Telegram: bot token').fill(TOKEN);
  await page.getByLabel('Telegram user ids that may use it').fill('1001');
  await next.click();
  await page.getByRole('radio', { name: 'Team chat bot' }).check();
  await next.click();
  await next.click();
  await page.getByRole('button', { name: 'Deploy agent' }).click();
  await page.getByText('Write to your bot in Telegram').waitFor({ timeout: 300_000 });

  const agent = /agents\/([0-9a-f-]{36})/.exec(page.url())[1];
  telegram.say('What is the answer?', { chat: 1001 });
  const answer = await until('the bot answers', () => telegram.sent.find(({ text }) => /forty-two/.test(text)), 120);
  assert.equal(answer.chat.id, 1001);
  const call = models.record.entries.find((entry) => JSON.stringify(entry).includes('/v1/messages'));
  assert.equal(call.headers['x-api-key'], KEY, 'the model’s key is put in on the way out');

  const { Config: config, HostConfig: host } = await site.platform.containerOf(agent);
  assert.ok(!JSON.stringify([config, host]).includes(KEY));
  const told = site.platform.inside(agent, ['/bin/sh', '-c', 'cat /state/.openclaw/openclaw.json']).output;
  assert.match(told, /"botToken"/);
  assert.ok(!told.includes(KEY) && !told.includes(TOKEN), 'the agent’s own file has placeholders');
  await page.done();
  await customer.remove(agent);
});
