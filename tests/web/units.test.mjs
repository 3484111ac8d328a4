// The parts of the dashboard that decide without a page: parsing, sorting, lists, live events.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { loadParts } from './parts.mjs';

let parts;

before(async () => { parts = await loadParts(); });

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
  assert.equal(parts.seenRange(-200, 860, 60).to, 18, 'eleven are seen: not many more, each costs when the list is sorted');
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
