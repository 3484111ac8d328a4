// ./dev bench web: sorting the list of five hundred agents by each column, both ways: frames per second
// meanwhile, the longest time that the page is busy without a break, and how many rows are made anew.
//
// The same page is also watched while nothing is sorted, in turns with the sorting. That is the rate that this
// machine gives a page that does nothing (a browser without a graphics card, few cores); the ratio is what
// sorting takes from it.

import { manyAgents } from '../tests/web/many_agents.mjs';
import { pageOf, Played } from '../tests/web/played.mjs';
import { median, report } from './harness.mjs';

const AGENTS = 500;
const ROUNDS = 3;
const COLUMNS = ['Agent', 'Status', 'CPU', 'Memory', 'Spend today', 'Last action', 'Restarts'];

const played = await new Played().start();
try {
  played.on('GET', '/api/agents', ({ query }) => pageOf(agents, query, 200));
  const agents = manyAgents(AGENTS);
  const page = await played.window();
  await page.open('/agents');
  await page.locator('tr[data-id]').first().waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const busy = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  };
  const watched = async (sorting) => {
    const before = await busy();
    const seen = await page.evaluate(watch, { columns: COLUMNS, sorting });
    return { ...seen, busyMs: (await busy() - before) / seen.sorts };
  };
  // The first sorting of all is the one that compiles.
  await watched(true);
  const rounds = { sorting: [], idle: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.idle.push(await watched(false));
    rounds.sorting.push(await watched(true));
  }
  const of = (name, kind = 'sorting') => median(rounds[kind].map((round) => round[name]));
  const row = (metric, ours, target, holds) => ({ metric, ours, peer: null, ratio: null, target, holds });
  const share = of('framesPerSecond') / of('framesPerSecond', 'idle');
  if (process.argv[2]) {
    report(process.argv[2], [
      row(`sorting ${AGENTS} agents: frames per second`, of('framesPerSecond'), '>= 50', of('framesPerSecond') >= 50),
      { ...row('the same, beside nothing sorted', of('framesPerSecond'), '>= 0.97', share >= 0.97), peer: of('framesPerSecond', 'idle'), ratio: share },
      row(`sorting ${AGENTS} agents: frames missed for each`, of('missed') - of('missed', 'idle'), '<= 1', of('missed') - of('missed', 'idle') <= 1),
      row(`sorting ${AGENTS} agents: longest busy time, ms`, of('longestMs'), '<= 50', of('longestMs') <= 50),
      row(`sorting ${AGENTS} agents: busy for each sorting, ms`, of('busyMs'), '<= 50', of('busyMs') <= 50),
      row(`sorting ${AGENTS} agents: rows made anew for each`, of('rowsMade'), '<= 3', of('rowsMade') <= 3)]);
  }
} finally {
  await played.stop();
}

// In the page. A frame that comes late tells how long the page was busy, to the frame. Without `sorting` all is
// done but the click.
async function watch({ columns, sorting }) {
  const HOLD_MS = 250;
  const FRAME_MS = 1000 / 60;
  const frame = () => new Promise((done) => { requestAnimationFrame(done); });
  let rowsMade = 0;
  const made = new MutationObserver((records) => {
    for (const { addedNodes } of records) rowsMade += [...addedNodes].filter((node) => node.matches?.('tr[data-id]')).length;
  });
  let sorts = 0;
  let frames = 0;
  let longestMs = 0;
  let shown = 0;
  let missed = 0;
  made.observe(document.querySelector('table.agents tbody'), { childList: true });
  for (const title of columns) {
    for (let direction = 0; direction < 2; direction += 1) {
      const head = [...document.querySelectorAll('.table-sort')].find((one) => one.textContent === title);
      await frame();
      const start = performance.now();
      let last = start;
      if (sorting) head.click();
      // What the click began is over where the next task begins.
      await new Promise((done) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = done; port2.postMessage(null); });
      longestMs = Math.max(longestMs, performance.now() - start);
      while (last - start < HOLD_MS) {
        await frame();
        frames += 1;
        const now = performance.now();
        missed += Math.max(0, Math.round((now - last) / FRAME_MS) - 1);
        last = now;
      }
      shown += last - start;
      sorts += 1;
    }
  }
  made.disconnect();
  return { sorts, framesPerSecond: frames / shown * 1000, longestMs, missed: missed / sorts, rowsMade: rowsMade / sorts };
}
