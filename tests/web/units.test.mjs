// The parts of the dashboard that decide without a page: parsing, sorting, words, the wizard's request.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { build } = await import(path.join(root, 'web/node_modules/esbuild/lib/main.js'));
let parts;

before(async () => {
  const sources = ['live/stream', 'app/permission_words', 'pages/deploy/draft', 'pages/deploy/providers', 'pages/deploy/channels',
    'ui/format', 'ui/time', 'ui/table', 'pages/deploy/progress_steps', 'api/problem'];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'deployclaw-web-units-'));
  const outfile = path.join(folder, 'parts.mjs');
  await build({ bundle: true, outfile, format: 'esm', platform: 'browser', jsx: 'automatic', logLevel: 'error',
    nodePaths: [path.join(root, 'web/node_modules')], define: { 'process.env.NODE_ENV': '"production"' },
    stdin: { contents: sources.map((name) => `export * from './web/src/${name}';`).join('\n'), resolveDir: root, loader: 'ts' } });
  parts = await import(outfile);
  fs.rmSync(folder, { recursive: true });
});

test('a stream gives the same messages wherever it is cut', () => {
  const text = ': hello\nid: 1\nevent: agent.changed\ndata: {"agentId":"a"}\n\nid: 2\r\nevent: audit.appended\r\ndata: one\r\ndata:two\r\n\r\n\ndata: plain\n\nevent: nothing\n\n';
  const whole = new parts.MessageParser().push(text);
  assert.deepEqual(whole, [
    { id: '1', event: 'agent.changed', data: '{"agentId":"a"}' },
    { id: '2', event: 'audit.appended', data: 'one\ntwo' },
    { id: '2', event: 'message', data: 'plain' },
  ]);
  for (let cut = 0; cut <= text.length; cut += 1) {
    const parser = new parts.MessageParser();
    assert.deepEqual([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))], whole, `cut at ${cut}`);
  }
  const parser = new parts.MessageParser();
  assert.deepEqual([...text].flatMap((one) => parser.push(one)), whole, 'byte by byte');
});

test('every scope is said once, as allowed, asked for or refused', () => {
  const none = parts.sentencesOf({ scopes: [] });
  assert.equal(none.length, parts.SCOPES.length);
  assert.ok(none.every(({ kind }) => kind === 'not'));
  const all = parts.SCOPES.map(({ scope }) => scope);
  const full = parts.sentencesOf({ scopes: all, allowedDomains: ['a.example.com', '*.b.example.com'], approval: ['email:send'],
    rateLimits: { 'email:send': { maxPerHour: 20 }, 'files:read': { maxPerDay: 5000 } }, maxDailyTokenSpend: 0.5 }).map(({ kind, text }) => `${kind} ${text}`);
  assert.ok(full.includes('ask It may send e-mail in your name, at most 20 e-mails an hour, but each time a person must approve it first.'));
  assert.ok(full.includes('may It may call a.example.com and *.b.example.com.'));
  assert.ok(full.some((text) => text.endsWith('at most 5,000 files a day.')));
  assert.ok(full.includes('may It may spend up to $0.50 a day on AI models, then it stops until midnight UTC.'));
  assert.ok(!full.some((text) => text.startsWith('not')));
  assert.ok(parts.sentencesOf({ scopes: ['api:outbound'] }).some(({ text }) => text.includes('no domain is listed')), 'outbound without a domain reaches nothing');
  assert.ok(parts.sentencesOf({ scopes: [], maxDailyTokenSpend: 0 }).some(({ text }) => text === 'It cannot call any AI model.'));
});

test('the wizard’s request names credentials and never holds a key outside them', () => {
  const openclaw = { name: 'openclaw', images: [] };
  for (const provider of parts.PROVIDERS) {
    for (const channel of [null, ...parts.CHANNELS]) {
      const draft = { ...parts.emptyDraft(), name: ' a ', runtime: 'openclaw', provider: provider.kind, model: provider.models[0], modelKey: 'k3y-of-the-model',
        channel: channel?.id ?? 'none', channelSecrets: Object.fromEntries((channel?.secrets ?? []).map(({ name }) => [name, `t0ken-of-${name}`])), people: channel ? channel.people.example : '' };
      const { credentials, ...rest } = parts.requestOf(draft, openclaw);
      const text = JSON.stringify(rest);
      assert.ok(!/k3y-of|t0ken-of/.test(text), text);
      const names = credentials.map(({ name }) => name);
      for (const [, name] of text.matchAll(/"\$credential":"([^"]+)"/g)) assert.ok(names.includes(name), `${name} is sent along`);
      assert.equal(rest.name, 'a');
      assert.equal(rest.config.agents.defaults.model.primary, `${provider.kind}/${provider.models[0]}`);
      if (channel) {
        assert.ok(rest.permissions.scopes.includes('messaging:send'));
        assert.deepEqual(rest.config.channels[channel.id].allowFrom, [channel.people.example]);
      }
    }
  }
});

test('a preset’s limits and approvals never name a scope that is not granted', () => {
  for (const preset of parts.PRESETS) {
    for (const channel of ['none', 'telegram', 'whatsapp']) {
      const { scopes, rateLimits = {}, approval = [], maxDailyTokenSpend } = parts.permissionsOf({ ...parts.emptyDraft(), preset: preset.id, channel, spend: '0' });
      for (const scope of [...Object.keys(rateLimits), ...approval]) assert.ok(scopes.includes(scope), `${preset.id} ${scope}`);
      assert.equal(new Set(scopes).size, scopes.length);
      assert.equal(maxDailyTokenSpend, 0, 'nothing to spend is said, not left out');
    }
  }
  const draft = { ...parts.emptyDraft(), preset: 'custom', custom: { scopes: [], approval: ['email:send'] }, domains: 'a.example.com' };
  assert.deepEqual(parts.permissionsOf(draft).scopes, []);
  assert.equal(parts.permissionsOf(draft).allowedDomains, undefined, 'domains without the scope for them are not sent');
});

test('what the server refuses finds the step of its field', () => {
  const draft = { ...parts.emptyDraft(), modelKey: 'x'.repeat(20), channel: 'telegram', channelSecrets: { telegram: 'y'.repeat(20) } };
  const places = { '/name': 'runtime', '/runtime': 'runtime', '/permissions/maxDailyTokenSpend': 'spend', '/permissions/allowedDomains/0': 'permissions',
    '/config/models/providers': 'model', '/config/channels/telegram': 'channel', '/credentials/0/value': 'model', '/credentials/1/value': 'channel', '/else': 'review' };
  for (const [pointer, step] of Object.entries(places)) assert.equal(parts.stepOfPointer(pointer, draft), step, pointer);
});

test('a key of another provider is noticed', () => {
  const openai = parts.PROVIDERS.find(({ kind }) => kind === 'openai');
  const anthropic = parts.PROVIDERS.find(({ kind }) => kind === 'anthropic');
  assert.equal(parts.keyDoubt(openai, ''), null);
  assert.equal(parts.keyDoubt(openai, `sk-${'a'.repeat(40)}`), null);
  assert.match(parts.keyDoubt(anthropic, `gsk_${'a'.repeat(40)}`), /Groq/);
  assert.match(parts.keyDoubt(anthropic, 'short'), /usually look like/);
});

test('a deployment’s rows: made, running, failed and still to come', () => {
  const step = (name, endedAt) => ({ name, startedAt: '2026-01-01T00:00:00Z', endedAt });
  const now = Date.parse('2026-01-01T00:00:09Z');
  const running = parts.rowsOf({ state: 'starting', createdAt: '2026-01-01T00:00:00Z', steps: [step('image', '2026-01-01T00:00:01Z'), step('volume', null)] }, now);
  assert.deepEqual(running.map(({ name, state }) => `${name} ${state}`), ['image done', 'volume now', 'config todo', 'create todo', 'start todo', 'network todo', 'verify todo']);
  assert.equal(running[0].took, 1000);
  assert.equal(running[1].took, 9000);
  const failed = parts.rowsOf({ state: 'failed', createdAt: '2026-01-01T00:00:00Z', steps: [step('image', '2026-01-01T00:00:01Z'), step('start', '2026-01-01T00:00:03Z')] }, now);
  assert.deepEqual(failed.map(({ state }) => state), ['done', 'bad']);
  assert.deepEqual(parts.rowsOf({ state: 'queued', createdAt: '2026-01-01T00:00:00Z', steps: [] }, now)[0].name, 'queued');
});

test('a table sorts numbers as numbers, names with numbers naturally, and keeps the order of equals', () => {
  const rows = [{ n: 10, t: 'agent 10' }, { n: 9, t: 'agent 9' }, { n: 10, t: 'Agent 2' }];
  const columns = [{ id: 'n', sortBy: (row) => row.n }, { id: 't', sortBy: (row) => row.t }, { id: 'x' }];
  assert.deepEqual(parts.sorted(rows, columns, { id: 'n', down: false }).map(({ t }) => t), ['agent 9', 'agent 10', 'Agent 2']);
  assert.deepEqual(parts.sorted(rows, columns, { id: 't', down: true }).map(({ t }) => t), ['agent 10', 'agent 9', 'Agent 2']);
  assert.equal(parts.sorted(rows, columns, { id: 'x', down: true }), rows);
});

test('money, sizes and times read well', () => {
  assert.deepEqual([0, 0.0042, 1.2, 1204].map(parts.usd), ['$0.00', '$0.0042', '$1.20', '$1,204.00']);
  assert.deepEqual([512, 1536, 2 * 1024 ** 3].map(parts.bytes), ['512 B', '1.5 KB', '2 GB']);
  assert.deepEqual([950, 4200, 65_000].map(parts.duration), ['950 ms', '4.2 s', '1 min 5 s']);
  const now = new Date('2026-01-01T12:00:00Z');
  assert.equal(parts.relativeTime(new Date('2026-01-01T11:57:00Z'), now), '3 minutes ago');
  assert.equal(parts.relativeTime(new Date('2026-01-01T14:00:00Z'), now), 'in 2 hours');
  assert.equal(parts.relativeTime(now, now), 'just now');
});

test('a problem finds what is wrong with a field or below it', () => {
  const problem = new parts.Problem(422, { detail: 'No.', errors: [{ pointer: '/permissions/allowedDomains/1', detail: 'is an IP address' }] });
  assert.equal(problem.at('/permissions/allowedDomains'), 'is an IP address');
  assert.equal(problem.at('/permissions/allowed'), undefined);
  assert.equal(problem.at('/name'), undefined);
});
