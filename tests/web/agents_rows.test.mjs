// The list of agents with five hundred of them: few rows are in the page, the keyboard reaches all of
// them and never falls out, and the row with the focus keeps it.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness.mjs';
import { drawn, MOST_DRAWN, openList, rows, serveList } from './agents_page.mjs';
import { manyAgents } from './many_agents.mjs';
import { Played } from './played.mjs';

const COUNT = 500;
const played = new Played();
let agents;

before(() => played.start());
after(() => played.stop());
beforeEach(() => {
  agents = manyAgents(COUNT);
  serveList(played, () => agents);
});

const opened = (search, options) => openList(played, search, options);
// Where the focus is: the number of its row among all, or what it is on.
const focusAt = (page) => page.evaluate(() => {
  const row = document.activeElement?.closest('tr[data-id]');
  return row ? Number(row.getAttribute('aria-rowindex')) - 2 : (document.activeElement?.tagName ?? null);
});
const focusIs = (page, what) => until(`the focus is at ${what}`, async () => (await focusAt(page)) === what, 30);
const inSight = (page) => page.evaluate(() => {
  const box = document.activeElement.getBoundingClientRect();
  return box.top >= 0 && box.bottom <= window.innerHeight;
});
const link = (page, name) => page.getByRole('link', { name, exact: true });

test('of 500 agents few rows are in the page, and it says how many there are', async () => {
  const page = await opened();
  const table = page.getByRole('table', { name: 'Agents' });
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY', 'the list takes no focus by itself');
  assert.equal(await table.getAttribute('aria-rowcount'), String(COUNT + 1));
  assert.ok(await drawn(page) < MOST_DRAWN);
  assert.equal(await rows(page).first().getAttribute('aria-rowindex'), '2');
  await page.mouse.move(600, 500);
  for (const share of [0.5, 1, 0.25, 0]) {
    await page.evaluate((to) => window.scrollTo(0, to * document.documentElement.scrollHeight), share);
    // Wherever one looks there are rows, not the emptiness that stands for them.
    await until(`rows at ${share}`, () => page.evaluate(() => {
      const under = document.elementFromPoint(500, window.innerHeight / 2);
      return Boolean(under?.closest('tr[data-id]'));
    }), 30);
    assert.ok(await drawn(page) < MOST_DRAWN);
  }
  assert.deepEqual(page.faults, []);
  await page.done();
});

// A slower processor shows what is drawn too late: see what the keyboard would then find.
async function slowed(page, times) {
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: times });
}

for (const [times, far] of [[1, 100], [6, 40]]) {
  test(`the Tab key walks on into rows that were not drawn, and back, on a processor ${times} times slower`, async () => {
    const page = await opened();
    await slowed(page, times);
    await page.getByRole('checkbox', { name: 'Select agent 1', exact: true }).focus();
    // Two stops in each row: its box and its name.
    for (let row = 0; row < far; row += 1) {
      await focusIs(page, row);
      await page.keyboard.press('Tab');
      await focusIs(page, row);
      await page.keyboard.press('Tab');
    }
    await focusIs(page, far);
    await until('it is in sight', () => inSight(page), 30);
    assert.ok(await drawn(page) < MOST_DRAWN);
    for (let row = far; row > far - 30; row -= 1) {
      await page.keyboard.press('Shift+Tab');
      await focusIs(page, row - 1);
      await page.keyboard.press('Shift+Tab');
      await focusIs(page, row - 1);
    }
    assert.deepEqual(page.faults, []);
    await page.done();
  });
}

test('Tab pressed faster than anything can be drawn stays in the table, step by step', async () => {
  const page = await opened();
  await slowed(page, 6);
  await page.getByRole('checkbox', { name: 'Select agent 1', exact: true }).focus();
  const presses = 200;
  for (let burst = 0; burst < presses / 20; burst += 1) await Promise.all(Array.from({ length: 20 }, () => page.keyboard.press('Tab')));
  await focusIs(page, presses / 2);
  await page.done();
});

test('the ends are reached from outside, wherever the window is', async () => {
  const page = await opened();
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight / 2));
  await until('the middle is drawn', async () => (await page.getByRole('link', { name: /^agent 2[45]\d$/ }).count()) > 0, 30);
  await page.getByRole('button', { name: 'Restarts' }).evaluate((head) => head.focus({ preventScroll: true }));
  await page.keyboard.press('Tab');
  await focusIs(page, 0);
  await page.getByRole('checkbox', { name: 'Select all' }).focus();
  await page.evaluate(() => {
    const below = document.createElement('button');
    below.id = 'below';
    document.querySelector('main').append(below);
    below.focus({ preventScroll: true });
  });
  await page.keyboard.press('Shift+Tab');
  await focusIs(page, COUNT - 1);
  await page.done();
});

test('the row with the focus keeps it while it is out of sight, and while others move past it', async () => {
  played.live();
  const page = await opened('?sort=-spend');
  await link(page, agents.reduce((most, one) => (one.spend.todayUsd > most.spend.todayUsd ? one : most)).name).focus();
  await focusIs(page, 0);
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  const name = await focused();
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  await until('the end is drawn', async () => (await page.getByRole('row').last().getAttribute('aria-rowindex')) === String(COUNT + 1), 30);
  assert.equal(await focused(), name);
  await until('the stream is open', () => played.streams.size > 0, 30);
  // It now spends least: from the first place to the last.
  agents = agents.map((one) => (one.name === name ? { ...one, spend: { todayUsd: 0, capUsd: 5 }, name: `${name} zz` } : one));
  played.emit('agent.changed', { agentId: agents[0].id });
  await until('it has moved', async () => Number(await focusAt(page)) > 100, 30);
  assert.equal(await focused(), `${name} zz`);
  // It is deleted: the one in its place takes the focus.
  const place = await focusAt(page);
  agents = agents.filter((one) => one.name !== `${name} zz`);
  played.emit('agent.changed', { agentId: agents[0].id });
  await until('it is gone', async () => (await page.getByRole('table').getAttribute('aria-rowcount')) === String(COUNT), 30);
  await focusIs(page, Math.min(place, COUNT - 2));
  assert.deepEqual(page.faults, []);
  await page.done();
});
