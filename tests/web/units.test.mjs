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
    'ui/format', 'ui/time', 'ui/table', 'pages/deploy/progress_steps', 'api/problem',
    'app/edited', 'app/json', 'pages/agent/config_value', 'pages/agent/permission_draft', 'pages/agent/changes', 'pages/agent/clip', 'pages/agent/version',
    'live/refetch', 'app/agent_state', 'app/news', 'app/palette_search', 'pages/agents/drawn', 'pages/agents/slots', 'pages/approvals/keep', 'pages/approvals/request_text'];
  const renamed = { 'pages/agents/rows': 'list' };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'deployclaw-web-units-'));
  const outfile = path.join(folder, 'parts.mjs');
  await build({ bundle: true, outfile, format: 'esm', platform: 'browser', jsx: 'automatic', logLevel: 'error',
    nodePaths: [path.join(root, 'web/node_modules')], define: { 'process.env.NODE_ENV': '"production"' },
    stdin: { contents: [...sources.map((name) => `export * from './web/src/${name}';`),
      ...Object.entries(renamed).map(([name, as]) => `export * as ${as} from './web/src/${name}';`)].join('\n'), resolveDir: root, loader: 'ts' } });
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

test('a draft keeps the tag of what it was made from until its author has seen a newer version', () => {
  const same = (a, b) => a === b;
  const start = parts.editedFrom({ value: 'a', tag: '1' });
  assert.equal(parts.seen(start, { value: 'a', tag: '1' }, same), start, 'nothing new, nothing changed');
  assert.deepEqual(parts.seen(start, { value: 'b', tag: '2' }, same), parts.editedFrom({ value: 'b', tag: '2' }), 'without a draft it follows');
  const mine = { ...start, draft: 'mine' };
  const other = parts.seen(mine, { value: 'a', tag: '2' }, same);
  assert.deepEqual([other.base.tag, other.draft, other.theirs], ['2', 'mine', null], 'another part was changed');
  const torn = parts.seen(mine, { value: 'b', tag: '2' }, same);
  assert.deepEqual([torn.base.tag, torn.draft, torn.theirs], ['1', 'mine', { value: 'b', tag: '2' }]);
  assert.equal(parts.seen(torn, { value: 'b', tag: '2' }, same), torn);
  assert.equal(parts.seen(torn, { value: 'a', tag: '3' }, same).theirs, null, 'they took it back');
  assert.deepEqual(parts.takeTheirs(torn), parts.editedFrom({ value: 'b', tag: '2' }));
  assert.deepEqual(parts.keepMine(torn), parts.editedFrom({ value: 'b', tag: '2' }, 'mine'));
  assert.deepEqual(parts.seen(mine, { value: 'mine', tag: '2' }, same), parts.editedFrom({ value: 'mine', tag: '2' }), 'both made the same change');
  assert.deepEqual(parts.saved(mine, 'mine', { value: 'stored', tag: '2' }, same), parts.editedFrom({ value: 'stored', tag: '2' }));
  assert.deepEqual(parts.saved({ ...mine, draft: 'more' }, 'mine', { value: 'mine', tag: '2' }, same), parts.editedFrom({ value: 'mine', tag: '2' }, 'more'));
});

test('two long texts are cut to where they begin to differ, short ones are whole', () => {
  assert.deepEqual(parts.clipPair('one', 'two'), ['one', 'two']);
  const start = 'a'.repeat(500);
  assert.deepEqual(parts.clipPair(`${start}X`, `${start}Y`), [`…${'a'.repeat(40)}X`, `…${'a'.repeat(40)}Y`]);
  assert.deepEqual(parts.clipPair(start, `${start}${start}`), [`…${'a'.repeat(40)}`, `…${'a'.repeat(240)}…`]);
  assert.deepEqual(parts.clipPair('', start), ['', `${'a'.repeat(240)}…`]);
  assert.deepEqual(parts.clipPair(start, start), [`…${'a'.repeat(40)}`, `…${'a'.repeat(40)}`]);
  for (let shift = 0; shift < 3; shift += 1) {
    const faces = `${'a'.repeat(shift)}${'\u{1F600}'.repeat(400)}`;
    for (const text of parts.clipPair(`${faces}X`, `${faces.slice(0, 250 + shift)}Y`)) assert.ok(text.isWellFormed(), 'no half characters');
  }
});

test('versions are compared part by part; a hidden value is the same only where the server says so', () => {
  const sealed = { $sealed: true };
  const version = (config, more = {}) => ({ runtime: 'probe', runtimeVersion: '1', config, permissions: { scopes: [] }, resources: { cpus: 1, memoryMb: 64, diskMb: 64, pids: 32 }, ...more });
  const config = (before, after, same = []) => parts.versionChange(version(before), version(after), same).config;
  assert.deepEqual(config({ a: 1, deep: { 'x/y': sealed } }, { deep: { 'x/y': sealed }, a: 1 }, ['/config/deep/x~1y']), []);
  assert.deepEqual(config({ key: sealed }, { key: sealed }, ['/config/other']), [{ path: ['config', 'key'], before: sealed, after: sealed, unsure: true }]);
  assert.deepEqual(config({ list: [{ key: sealed }] }, { list: [{ key: sealed }] }), [{ path: ['config', 'list', '0', 'key'], before: sealed, after: sealed, unsure: true }]);
  assert.deepEqual(config({ list: [{ key: sealed }] }, { list: [{ key: sealed }] }, ['/config/list/0/key']), []);
  assert.deepEqual(config({ key: sealed }, { key: 'open' }), [{ path: ['config', 'key'], before: sealed, after: 'open' }]);
  assert.deepEqual(config({ key: sealed }, { key: { a: 1 } }), [{ path: ['config', 'key'], before: sealed, after: { a: 1 } }]);
  assert.deepEqual(config({}, { group: { a: { b: 1 }, key: sealed, empty: {} } }).map(({ path, before }) => [path.slice(1).join('.'), before]),
    [['group.a.b', undefined], ['group.key', undefined], ['group.empty', undefined]], 'a group that came is told setting by setting');
  assert.deepEqual(config({ group: {} }, {}), [{ path: ['config', 'group'], before: {}, after: undefined }]);
  assert.deepEqual(config({ group: {} }, { group: {} }), []);
  assert.deepEqual(config({ group: 1 }, { group: { a: 1 } }), [{ path: ['config', 'group'], before: 1, after: { a: 1 } }]);
  assert.deepEqual(config({ name: { $credential: 'a' } }, { name: { $credential: 'b' } }), [{ path: ['config', 'name'], before: { $credential: 'a' }, after: { $credential: 'b' } }]);
  assert.deepEqual(config({}, JSON.parse('{"__proto__": 1}')), [{ path: ['config', '__proto__'], before: undefined, after: 1 }]);

  const now = version({});
  for (const [then, needs] of [[version({ a: 1 }), true], [version({}, { runtimeVersion: '2' }), true], [version({}, { permissions: { scopes: ['email:read'] } }), false], [version({}, { permissions: { scopes: ['files:read'] } }), true]]) {
    const change = parts.versionChange(now, then, []);
    assert.equal(parts.isNothing(change), false);
    assert.equal(parts.needsDeployment(change, now, then), needs, JSON.stringify(then));
  }
  assert.ok(parts.isNothing(parts.versionChange(now, version({}), [])));
  for (const path of [[], ['a'], ['a/b', '~1', '']]) assert.deepEqual(parts.pathOf(parts.pointerOf(path)), path);
});

test('JSON values are compared without the order of keys, and differences have their place', () => {
  assert.ok(parts.sameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }));
  for (const [a, b] of [[{ a: 1 }, { a: 1, b: undefined }], [[1, 2], [2, 1]], [{ a: undefined }, { b: undefined }], [{}, []], [null, {}], ['1', 1]]) assert.ok(!parts.sameJson(a, b), JSON.stringify([a, b]));
  assert.deepEqual(parts.differencesOf({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: 1, c: 3 }, e: null, d: [1] }),
    [{ path: ['a', 'c'], before: 2, after: 3 }, { path: ['e'], before: undefined, after: null }]);
  assert.deepEqual(parts.differencesOf({}, JSON.parse('{"__proto__": 1}')), [{ path: ['__proto__'], before: undefined, after: 1 }]);
  assert.equal(parts.pointerOf(['a/b', 'c~d', '']), '/a~1b/c~0d/');
});

test('settings of a configuration get the field that fits them', () => {
  const kinds = { note: 'text', botToken: 'secret', tokens: 'text', count: 'number', on: 'flag', list: 'lines', mixed: 'other', none: 'other', sealed: 'secret', key: 'credential', deep: 'group' };
  const values = { note: '', botToken: '', tokens: 'x', count: 1, on: true, list: ['a'], mixed: [1], none: null, sealed: { $sealed: true }, key: { $credential: 'openai' }, deep: { $sealed: true, more: 1 } };
  assert.deepEqual(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, parts.kindOf(value, name)])), kinds);
  assert.deepEqual(['printEveryMs', 'max_tokens', 'anthropic/claude', 'X'].map(parts.settingName), ['Print every ms', 'Max tokens', 'anthropic/claude', 'X']);
  assert.equal(parts.parseConfig('[]').config, null);
  assert.ok(parts.CONFIG.same('{"a":1,"b":2}', '{ "b": 2, "a": 1 }'));
  assert.ok(!parts.CONFIG.same('{"a":1}', '{"a":1'));
});

test('what a change of permissions comes to, in words', () => {
  const before = { scopes: ['email:read', 'api:outbound'], allowedDomains: ['a.example.com'], maxDailyTokenSpend: 5 };
  assert.deepEqual(parts.permissionChanges(before, { ...before, scopes: ['api:outbound', 'email:read'] }), [], 'no order counts');
  const after = { scopes: ['api:outbound'], allowedDomains: ['b.example.com'] };
  assert.deepEqual(parts.permissionChanges(before, after).map((one) => [one.key, one.before, one.after]), [
    ['email:read', 'It may read e-mail of the mailboxes you connect.', 'It cannot read any e-mail.'],
    ['api:outbound', 'It may call a.example.com.', 'It may call b.example.com.'],
    ['spend', 'It may spend up to $5.00 a day on AI models, then it stops until midnight UTC.', 'It may spend what your plan allows a day on AI models.'],
    ['added', null, 'Domains added: b.example.com.'], ['removed', null, 'Domains removed: a.example.com.']]);
  assert.ok(parts.PERMISSIONS.same(parts.draftOf(before), parts.draftOf({ ...before, scopes: ['api:outbound', 'email:read'], approval: [] })));
});

test('the drawn rows are those that are seen, the ends and the neighbours of the focus, once and in order', () => {
  assert.deepEqual(parts.drawnRanges(60, { from: 0, to: 24 }, null), [{ from: 0, to: 60 }], 'a short list is drawn whole');
  assert.deepEqual(parts.drawnRanges(500, { from: 0, to: 24 }, null), [{ from: 0, to: 24 }, { from: 497, to: 500 }]);
  assert.deepEqual(parts.drawnRanges(500, { from: 200, to: 224 }, 100), [{ from: 0, to: 3 }, { from: 92, to: 109 }, { from: 200, to: 224 }, { from: 497, to: 500 }]);
  for (let focused = 0; focused < 500; focused += 1) {
    for (const from of [0, 94, 250, 480, 900]) {
      const ranges = parts.drawnRanges(500, { from, to: from + 24 }, focused);
      const has = (row) => row < 0 || row > 499 || ranges.some((one) => one.from <= row && row < one.to);
      for (const row of [0, 499, focused - 1, focused, focused + 1]) assert.ok(has(row), `${row} beside ${focused}, seen ${from}`);
      ranges.forEach((one, index) => assert.ok(one.from < one.to && one.from > (ranges[index - 1]?.to ?? -1), 'apart, in order'));
      assert.ok(ranges.reduce((sum, one) => sum + one.to - one.from, 0) < 60);
    }
  }
  const seen = parts.seenRange(6000, 860, 60);
  assert.ok(seen.from <= 100 - parts.STEP / 2 && seen.to >= 115 + parts.STEP / 2, 'more than is seen, on both sides');
  assert.equal(parts.seenRange(-300, 860, 60).from, 0);
});

test('rows of the list go to other agents when it is sorted anew, never the one with the focus', () => {
  const { slotsFor } = parts;
  const of = (slots) => [...slots.values()];
  const names = (from, to) => Array.from({ length: to - from }, (_, index) => `agent ${from + index}`);
  const first = slotsFor(new Map(), names(0, 10), null);
  assert.deepEqual(of(first), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual([...slotsFor(first, names(3, 13), null)].slice(0, 8), [...names(3, 10).map((name, index) => [name, index + 3]), ['agent 10', 0]], 'scrolling leaves who stays alone');
  assert.deepEqual(of(slotsFor(first, names(100, 110), null)), of(first), 'all others: the same rows in the same order');
  assert.deepEqual(of(slotsFor(first, ['agent 8', ...names(100, 109)], null)), of(first), 'few of the same: they move, the rows do not');
  const kept = slotsFor(first, [...names(100, 109), 'agent 4'], 'agent 4');
  assert.equal(kept.get('agent 4'), 4, 'the focus stays with its agent');
  assert.equal(new Set(kept.values()).size, 10);
  const gone = slotsFor(first, names(100, 112), 'agent 4');
  assert.ok(!of(gone).includes(4), 'the row whose agent is gone turns into no other');
  assert.equal(new Set(gone.values()).size, 12);
});

const agent = (name, more = {}) => ({ id: name, name, runtime: 'probe', runtimeVersion: '1', status: 'running', desiredState: 'running', statusReason: null, permissions: { scopes: [] },
  resources: { cpus: 1, memoryMb: 512 }, deployment: { id: `${name} 1`, state: 'live', reason: null },
  usage: null, spend: { todayUsd: 0, capUsd: 5 }, restarts: 0, lastAction: null, ...more });

test('the list sorts by what is measured, unknown last when the most comes first, equals by name', () => {
  const { rowsOf, sortRows, sortFrom, sortText, matching, columnsOf } = parts.list;
  const rows = rowsOf([agent('b 10', { usage: { cpuPercent: 5 }, restarts: 1 }), agent('b 9', { usage: null }), agent('A', { usage: { cpuPercent: 5 } }), agent('c', { usage: { cpuPercent: 90 } })]);
  const order = (text) => sortRows(rows, sortFrom(text)).map((row) => row.agent.name);
  assert.deepEqual(order('name'), ['A', 'b 9', 'b 10', 'c']);
  assert.deepEqual(order('-name'), ['c', 'b 10', 'b 9', 'A']);
  assert.deepEqual(order('-cpu'), ['c', 'A', 'b 10', 'b 9']);
  assert.deepEqual(order('cpu'), ['b 9', 'A', 'b 10', 'c']);
  assert.equal(sortText(sortFrom('-__proto__')), 'name', 'nonsense in the URL is the plain order');
  assert.deepEqual(matching(rows, '9 RUNNING').map((row) => row.agent.name), ['b 9']);
  assert.deepEqual(columnsOf(rows), ['name', 'state', 'cpu', 'spend', 'restarts'], 'columns of which nothing is known are left out');
});

test('a deployment that ended since the last look is told once; one that was replaced is not', () => {
  const running = agent('a', { deployment: { id: '1', state: 'starting', reason: null } });
  const failed = agent('b', { deployment: { id: '2', state: 'failed', reason: 'exited' } });
  const before = parts.endsOf([running, failed]);
  assert.deepEqual(parts.newEnds(before, [running, failed]), []);
  const now = [{ ...running, deployment: { ...running.deployment, state: 'live' } }, { ...failed, deployment: { id: '3', state: 'cancelled' } }, agent('new', { deployment: { id: '4', state: 'failed', reason: 'no image' } })];
  assert.deepEqual(parts.newEnds(before, now).map(({ good, text }) => [good, text]), [[true, 'a is live.'], [false, 'new could not be deployed: no image']]);
  assert.deepEqual(parts.newEnds(parts.endsOf(now), now), []);
});

test('the palette: every word must occur, the best first, orders only when asked for', () => {
  const commands = [{ title: 'Agents' }, { title: 'mailer' }, { title: 'Stop mailer', only: true }, { title: 'the mailer of Stop' }];
  const found = (words) => parts.search(commands, words).map(({ title }) => title);
  assert.deepEqual(found(''), ['Agents', 'mailer', 'the mailer of Stop']);
  assert.deepEqual(found('stop mail'), ['Stop mailer', 'the mailer of Stop']);
  assert.deepEqual(found('mailer'), ['mailer', 'the mailer of Stop', 'Stop mailer']);
  assert.deepEqual(found('nothing'), []);
});

test('the inbox: decided requests stay in their place, new ones wait, older ones come below', () => {
  const at = (id) => ({ id: `r${id}`, createdAt: `2026-01-01T00:00:0${id}Z` });
  const first = parts.keep([], [at(4), at(3)]);
  assert.deepEqual(first, { shown: [at(4), at(3)], arrived: [] });
  const next = parts.keep(first.shown, [at(6), at(5), at(3), at(2)]);
  assert.deepEqual(next.shown.map(({ id }) => id), ['r4', 'r3', 'r2'], 'r4 was decided and stays');
  assert.deepEqual(next.arrived.map(({ id }) => id), ['r6', 'r5']);
  const same = ['a', 'b', 'c', 'd'].map((id) => ({ id, createdAt: '2026-01-01T00:00:00Z' }));
  assert.deepEqual(parts.keep(same.slice(1, 3), same), { shown: same.slice(1), arrived: same.slice(0, 1) }, 'of one second: by their order');
});

test('what is binary is said to be, and shown whole', () => {
  assert.equal(parts.bodyTitle({ encoding: 'hex', content: '00ff', bytes: 2 }), 'Body: binary, shown as hex (2 bytes)');
  assert.equal(parts.bodyTitle({ encoding: 'text', content: 'a', bytes: 1 }), 'Body: text (1 byte)');
  assert.equal(parts.bodyTitle({ encoding: 'none', content: '', bytes: 0 }), 'No body');
  const digits = Array.from({ length: 40 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('');
  const lines = parts.hexLines(digits).split('\n');
  assert.equal(lines.length, 3);
  assert.equal(lines[1], '000010  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f');
  assert.equal(lines.map((line) => line.slice(8).replaceAll(' ', '')).join(''), digits, 'nothing is left out');
  assert.deepEqual(parts.byRole([{ role: 'to', address: 'a' }, { role: 'bcc', address: 'b' }, { role: 'to', address: 'c' }]), [['To', ['a', 'c']], ['Bcc', ['b']]]);
});

test('a burst of events is one fetch after another, and the last event is never lost', async () => {
  let running = 0;
  let most = 0;
  const seen = [];
  const gates = [];
  const refetch = parts.makeRefetcher(async (key) => {
    running += 1;
    most = Math.max(most, running);
    seen.push(key[0]);
    await new Promise((done) => { gates.push(done); });
    running -= 1;
  }, 0);
  const turn = async (count) => { while (seen.length < count) await new Promise((done) => setTimeout(done)); };
  for (let event = 0; event < 50; event += 1) refetch(['a']);
  await turn(1);
  for (let event = 0; event < 50; event += 1) refetch(['a']);
  gates.shift()();
  await turn(2);
  assert.equal(most, 1);
  gates.shift()();
  refetch(['a']);
  await turn(3);
  assert.deepEqual(seen, ['a', 'a', 'a']);
  gates.shift()();
});
