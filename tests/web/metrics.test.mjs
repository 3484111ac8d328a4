// The Metrics tab before a played API: what the charts show and what the tables beside them do, the
// range in the URL, nothing to show, no answer.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { Played, findings, sideways } from './played.mjs';

const ID = '11111111-2222-4333-8444-555555555555';
const STEPS = { '1h': [15, 240], '6h': [120, 180], '24h': [600, 144], '7d': [3600, 168], '30d': [14_400, 180] };
const PATIENCE = { timeout: 45_000 };
const played = new Played();

const agent = {
  id: ID, name: 'Inbox assistant', runtime: 'openclaw', runtimeVersion: '1', status: 'running', desiredState: 'running', statusReason: null, config: {},
  permissions: { scopes: [] }, resources: { cpus: 1, memoryMb: 512, diskMb: 1024, pids: 100 }, host: 'h1', endpoint: null, generation: 1, deployment: null,
  createdAt: '2026-01-05T09:00:00.000Z', updatedAt: '2026-01-05T09:00:00.000Z',
  usage: null, spend: { todayUsd: 0, capUsd: 5 }, restarts: 0, lastAction: null,
};
const current = { cpuPercent: 42.5, memoryBytes: 268_435_456, memoryLimitBytes: 536_870_912 };

// Every third step was not measured; the values tell which step they are of.
function answerFor(range, { measured = true, spent = true, steps } = {}) {
  const [stepSeconds, most] = STEPS[range];
  const count = steps ?? most;
  const from = Date.parse('2026-03-01T10:00:00.000Z');
  const at = (index) => new Date(from + index * stepSeconds * 1000).toISOString();
  const series = (value) => Array.from({ length: count }, (_, index) => [at(index), value(index)]);
  const gaps = (value) => series((index) => (measured && index % 3 !== 1 ? value(index) : null));
  const sums = (value) => series((index) => (spent ? value(index) : 0));
  return { from: at(0), to: at(count), stepSeconds, current: measured ? current : null, series: {
    cpuCores: gaps((index) => 0.1 + index / 1000), memoryBytes: gaps((index) => 1048576 * (200 + index)),
    networkRxBytes: gaps((index) => 1024 * (index + 1)), networkTxBytes: gaps((index) => 2048 * (index + 1)),
    tokensIn: sums((index) => index * 10), tokensOut: sums((index) => index), spendUsd: sums((index) => index / 1000),
  } };
}

const KB = (value) => (value < 10 ? `${Number(value.toFixed(1))} KB` : `${Number(value.toFixed(0))} KB`);
const utc = (at) => `${at.slice(0, 19).replace('T', ' ')} UTC`;
const tab = (query = '') => `/agents/${ID}/metrics${query}`;
const range = (page, name) => page.getByRole('group', { name: 'Range' }).getByRole('button', { name, exact: true });
const charts = (page) => page.getByRole('img', { name: /“As tables” shows every value/ });
const chartsDrawn = (page) => page.waitForFunction(() => document.querySelectorAll('.chart canvas').length === 5, null, PATIENCE);
const searchOf = (page, want) => page.waitForFunction((text) => new URLSearchParams(location.search).toString() === text, want, PATIENCE);
const rowsOf = (page, name) => page.getByRole('table', { name }).locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));

before(async () => { await played.start(); });
after(() => played.stop());
beforeEach(() => {
  played.reset();
  played.on('GET', '/api/agents/:id', () => ({ agent }));
  played.on('GET', '/api/agents/:id/metrics', ({ query }) => answerFor(query.range));
});

test('there is a chart for each of CPU, memory, network, tokens and spend, and what is used now', async () => {
  const page = await played.window();
  await page.open(tab());
  await chartsDrawn(page);
  assert.equal(await charts(page).count(), 5);
  for (const name of ['CPU', 'Memory', 'Network', 'Tokens', 'Model spend']) await page.getByRole('heading', { name, exact: true }).waitFor();
  await page.getByText('Now: 43 % of one core (it may use 1), 256 MB of 512 MB memory.').waitFor();
  await page.getByText('Each point stands for 15 s.').waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('the table has every value of the chart, gaps too, and the chart under the pointer says the same', async () => {
  const page = await played.window();
  await page.open(tab('?view=tables'));
  await page.getByRole('table', { name: 'Network' }).waitFor(PATIENCE);
  const { series } = answerFor('1h');
  const rows = await rowsOf(page, 'Network');
  const want = series.networkRxBytes.map(([at, received], index) => {
    const sent = series.networkTxBytes[index][1];
    return [utc(at), received === null ? '–' : KB(received / 1024), sent === null ? '–' : KB(sent / 1024)];
  }).reverse();
  assert.deepEqual(rows, want);
  await page.getByText('As tables', { exact: true }).click();
  await chartsDrawn(page);
  await searchOf(page, '');
  const network = page.locator('.chart').nth(2);
  await network.scrollIntoViewIfNeeded();
  const legend = () => network.locator('.u-legend .u-value').allTextContents();
  // Until a step that was measured lies under the pointer.
  const box = await network.locator('.u-over').boundingBox();
  let seen;
  assert.deepEqual(await legend(), ['', '', ''], 'nothing is told, not even dashes, before something is pointed at');
  for (let x = Math.floor(box.width / 2); x < box.width - 1 && !seen; x += 1) {
    await page.mouse.move(box.x + x, box.y + box.height / 2);
    const said = await legend();
    if (said[1] !== '' && said[1] !== '–') seen = said;
  }
  assert.ok(seen, 'the chart tells its values under the pointer');
  assert.deepEqual(rows.find(([at]) => at === seen[0]), seen);
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('the range and the view are in the URL, by keyboard too, and survive a reload', async () => {
  const page = await played.window();
  await page.open(tab());
  await chartsDrawn(page);
  await range(page, '24 hours').focus();
  await page.keyboard.press('Enter');
  await searchOf(page, 'range=24h');
  await page.getByText('Each point stands for 10 min.').waitFor(PATIENCE);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await searchOf(page, 'range=24h&view=tables');
  await page.reload();
  await page.getByRole('table', { name: 'CPU' }).waitFor(PATIENCE);
  assert.equal(await range(page, '24 hours').getAttribute('aria-pressed'), 'true');
  assert.equal((await rowsOf(page, 'CPU')).length, 144);
  assert.ok(played.callsOf('GET', '/api/agents/:id/metrics').some(({ query }) => query.range === '24h'));
  await range(page, '30 days').click();
  await searchOf(page, 'range=30d&view=tables');
  await page.getByText('Each point stands for 4 h.').waitFor(PATIENCE);
  await range(page, '1 hour').click();
  await searchOf(page, 'view=tables');
  await page.done();
});

test('a range that there is not shows the hour', async () => {
  const page = await played.window();
  await page.open(tab('?range=century'));
  await chartsDrawn(page);
  assert.equal(await range(page, '1 hour').getAttribute('aria-pressed'), 'true');
  await page.done();
});

test('nothing measured and nothing spent is said in words', async () => {
  played.on('GET', '/api/agents/:id/metrics', ({ query }) => answerFor(query.range, { measured: false, spent: false }));
  const page = await played.window();
  await page.open(tab());
  await page.getByText('Not measured in the last minute.').waitFor(PATIENCE);
  assert.equal(await page.getByText('Nothing was measured in this time.').count(), 3);
  assert.equal(await page.getByText('No model was called in this time.').count(), 2);
  assert.equal(await charts(page).count(), 0);
  await page.done();
});

test('no answer: it says so, and tries again when asked', async () => {
  const undo = played.fail('GET', '/api/agents/:id/metrics', 503);
  const page = await played.window();
  await page.open(tab());
  const alert = page.getByRole('alert').filter({ hasText: 'The metrics could not be loaded' });
  await alert.waitFor(PATIENCE);
  undo();
  await alert.getByRole('button', { name: 'Try again' }).click();
  await chartsDrawn(page);
  await alert.waitFor({ state: 'detached', ...PATIENCE });
  await page.done();
});

test('charts and tables pass axe, light and dark, and fit a narrow window', async () => {
  // Rows enough: axe looks at each cell.
  played.on('GET', '/api/agents/:id/metrics', ({ query }) => answerFor(query.range, { steps: 24 }));
  for (const colorScheme of ['light', 'dark']) {
    for (const [view, width] of [['', 1200], ['', 390], ['?view=tables', 1200], ['?view=tables', 390]]) {
      const page = await played.window({ colorScheme, width });
      await page.open(tab(view));
      if (view) await page.getByRole('table', { name: 'CPU' }).waitFor(PATIENCE);
      else await chartsDrawn(page);
      assert.deepEqual(await findings(page), [], `${colorScheme} ${view} ${width}`);
      assert.ok(await sideways(page) <= 0, `${colorScheme} ${view} ${width}: wider than the window`);
      if (process.env.SCREENS) await page.screenshot({ path: `${process.env.SCREENS}/metrics-${colorScheme}-${view ? 'tables' : 'charts'}-${width}.png`, fullPage: true });
      await page.done();
    }
  }
});
