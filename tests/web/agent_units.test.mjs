// What decides about an agent without a page: permissions in words, the wizard's request, drafts, versions.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { before, test } from 'node:test';

import { loadParts } from './parts.mjs';

let parts;

before(async () => { parts = await loadParts(); });

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

test('what an empty limit means is what the server holds an agent to', () => {
  const source = fs.readFileSync(new URL('../../src/domain/default_limits.cpp', import.meta.url), 'utf8').replaceAll('\'', '');
  const server = Object.fromEntries([...source.matchAll(/\.per_hour = (\d+), \.per_day = (\d+)\}, +\/\/ (\S+)/g)].map(([, hour, day, scope]) => [scope, { hour: Number(hour), day: Number(day) }]));
  assert.deepEqual(Object.fromEntries(parts.SCOPES.map(({ scope, usual }) => [scope, usual])), server);
  const usual = server['email:send'];
  assert.deepEqual(parts.leftEmpty({ hour: '', day: '' }, usual), { hour: 50, day: 200 });
  assert.deepEqual(parts.leftEmpty({ hour: '20', day: '' }, usual), { hour: 50, day: 480 }, 'a day of full hours');
  assert.deepEqual(parts.leftEmpty({ hour: '', day: '30' }, usual), { hour: 30, day: 200 }, 'all of a day in one hour');
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
