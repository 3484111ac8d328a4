// What the list of agents is asked for: sorting touches only what is drawn; search, bulk orders, empty
// states, a server that fails, hostile names. How its rows are drawn: agents_rows.test.mjs.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness.mjs';
import { drawn, MOST_DRAWN, names, openList, rows, serveList } from './agents_page.mjs';
import { agentOf, manyAgents } from './many_agents.mjs';
import { answer, findings, Played, problem, sideways } from './played.mjs';

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
const firstIs = (page, name) => until(`${name} is first`, async () => (await names(page))[0] === name, 30);

test('sorting by every column: the order is right, the URL holds it, and only drawn rows are touched', async (t) => {
  const page = await opened();
  const value = { CPU: (one) => one.usage?.cpuPercent ?? -1, Memory: (one) => one.usage?.memoryBytes ?? -1, 'Spend today': (one) => one.spend.todayUsd, 'Last action': (one) => Date.parse(one.lastAction.at), Restarts: (one) => one.restarts };
  const by = (number) => agents.find((one) => one.name === number);
  for (const [title, of] of Object.entries(value)) {
    const head = page.getByRole('columnheader', { name: title });
    for (const direction of ['descending', 'ascending']) {
      const work = await head.getByRole('button').evaluate(async (button) => {
        let touched = 0;
        const count = (records) => { for (const { addedNodes, removedNodes } of records) touched += addedNodes.length + removedNodes.length; };
        const observer = new MutationObserver(count);
        observer.observe(document.querySelector('table.agents tbody'), { childList: true });
        const start = performance.now();
        button.click();
        await Promise.resolve();
        const script = performance.now() - start;
        document.querySelector('table.agents').getBoundingClientRect();
        const withLayout = performance.now() - start;
        count(observer.takeRecords());
        observer.disconnect();
        return { touched, script, withLayout };
      });
      t.diagnostic(`${title} ${direction}: ${work.script.toFixed(1)} ms of script, ${work.withLayout.toFixed(1)} ms with layout, ${work.touched} rows touched`);
      await until(direction, async () => (await head.getAttribute('aria-sort')) === direction, 30);
      assert.ok(work.touched < MOST_DRAWN * 3, `${work.touched} rows touched`);
      const shown = (await names(page)).map((name) => of(by(name)));
      const sign = direction === 'descending' ? -1 : 1;
      assert.deepEqual(shown, [...shown].sort((a, b) => sign * (a - b)), title);
    }
  }
  assert.match(page.url(), /sort=restarts/);
  await page.getByRole('columnheader', { name: 'Agent' }).getByRole('button').click();
  await firstIs(page, 'agent 1');
  assert.deepEqual((await names(page)).slice(0, 3), ['agent 1', 'agent 2', 'agent 3'], 'numbers in names count as numbers');
  await page.done();
});

test('search and filter are in the URL, survive a reload, and say when nothing fits', async () => {
  const page = await opened();
  await page.getByRole('searchbox', { name: 'Search agents' }).fill('agent 49');
  await until('found', async () => (await drawn(page)) === 15, 30);
  await until('in the URL', () => /q=agent\+49/.test(page.url()), 30);
  await page.getByText('15 of 500 shown').waitFor();
  await page.getByRole('button', { name: 'Need attention' }).click();
  await until('with trouble', async () => (await names(page)).every((name) => Number(name.slice(6)) % 4 === 3), 30);
  await page.reload();
  await until('the same after a reload', async () => { const now = await names(page); return now.length > 0 && now.every((name) => /49/.test(name) && Number(name.slice(6)) % 4 === 3); }, 30);
  await page.getByRole('searchbox', { name: 'Search agents' }).fill('<img src=x onerror=alert(1)>');
  await page.getByText('No agent fits').waitFor();
  await page.getByText('Nothing has “<img src=x onerror=alert(1)>”').waitFor();
  assert.deepEqual(await findings(page), []);
  await page.getByRole('button', { name: 'Show all' }).click();
  await until('all', async () => (await page.getByRole('table').getAttribute('aria-rowcount')) === String(COUNT + 1), 30);
  await until('the URL is plain', () => !new URL(page.url()).search, 30);
  assert.equal(await page.getByRole('searchbox', { name: 'Search agents' }).inputValue(), '');
  assert.deepEqual(page.faults, []);
  await page.done();
});

const changed = (id, change) => {
  agents = agents.map((one) => (one.id === id ? { ...one, ...change } : one));
  return answer(202, { agent: agents.find((one) => one.id === id) });
};

test('a bulk order: those it fits, one code for all, partial failure told, the failed stay selected', async () => {
  agents = manyAgents(12);
  played.session.fresh = false;
  played.on('POST', '/api/agents/:id/stop', ({ params }) => (params.id === agents[4].id
    ? problem(409, 'agent_busy', 'It is being deployed.') : changed(params.id, { desiredState: 'stopped' })), { fresh: true });
  const page = await opened();
  await page.getByRole('checkbox', { name: 'Select all' }).check();
  const bar = page.getByRole('toolbar', { name: 'Selected agents' });
  await bar.getByText('12 agents selected').waitFor();
  // Three of the twelve are stopped already.
  await bar.getByRole('button', { name: 'Stop 9' }).click();
  const dialog = page.getByRole('dialog', { name: 'Stop 9 agents?' });
  await dialog.getByText('what they are doing now is cut off').waitFor();
  assert.equal(played.callsOf('POST', '/api/agents/:id/stop').length, 0, 'nothing before the yes');
  await dialog.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByRole('dialog', { name: 'Confirm it is you' }).waitFor();
  await page.keyboard.type('123456');
  const result = page.getByRole('dialog', { name: '8 of 9 agents stopped' });
  await result.getByText('agent 5: It is being deployed.').waitFor();
  assert.equal(played.callsOf('POST', '/api/auth/2fa/verify').length, 1, 'one code');
  assert.deepEqual(await findings(page), []);
  await result.getByRole('button', { name: 'Close', exact: true }).last().click();
  await bar.getByText('1 agent selected').waitFor();
  assert.ok(await page.getByRole('checkbox', { name: 'Select agent 5', exact: true }).isChecked());
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a bulk order that works: said once, nothing selected, the focus where choosing begins', async () => {
  agents = manyAgents(8);
  played.on('POST', '/api/agents/:id/restart', ({ params }) => changed(params.id, { status: 'provisioning' }));
  const page = await opened();
  await page.getByRole('checkbox', { name: 'Select agent 1', exact: true }).check();
  await page.getByRole('checkbox', { name: 'Select agent 4', exact: true }).check();
  await page.getByRole('toolbar').getByRole('button', { name: 'Restart' }).click();
  await page.getByRole('dialog', { name: 'Restart 2 agents?' }).getByRole('button', { name: 'Restart', exact: true }).click();
  await page.getByText('2 agents restarted.').waitFor();
  await until('nothing is selected', async () => (await page.getByRole('toolbar').count()) === 0, 30);
  await until('the focus is on the first box', () => page.evaluate(() => document.activeElement?.id === 'select-all-agents'), 30);
  await page.done();
});

test('closing the dialog while it works leaves out those whose turn has not come, and says which', async () => {
  agents = manyAgents(20).map((one) => ({ ...one, status: 'running', desiredState: 'running' }));
  played.on('POST', '/api/agents/:id/stop', ({ params }) => changed(params.id, { desiredState: 'stopped' }));
  const page = await opened();
  await page.getByRole('checkbox', { name: 'Select all' }).check();
  await page.getByRole('toolbar').getByRole('button', { name: 'Stop' }).click();
  const release = played.hold('POST', '/api/agents/:id/stop');
  await page.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
  await until('the first is tried', () => played.callsOf('POST', '/api/agents/:id/stop').length === 1, 30);
  await page.keyboard.press('Escape');
  await until('it is closed', async () => (await page.getByRole('dialog').count()) === 0, 30);
  release();
  const result = page.getByRole('dialog', { name: '1 of 20 agents stopped' });
  await result.getByText(/^Not tried: agent 2, /).waitFor();
  assert.equal(played.callsOf('POST', '/api/agents/:id/stop').length, 1);
  await page.done();
});

test('no agents: the next step is offered; to a viewer it is not', async () => {
  agents = [];
  const page = await played.window();
  await page.open('/agents');
  await page.getByRole('heading', { name: 'Deploy your first agent' }).waitFor();
  await page.getByRole('link', { name: 'Deploy an agent' }).waitFor();
  assert.deepEqual(await findings(page), []);
  await page.done();
  played.session.user.role = 'viewer';
  try {
    const other = await played.window();
    await other.open('/agents');
    await other.getByText('Ask a member of your team').waitFor();
    assert.equal(await other.getByRole('link', { name: 'Deploy an agent' }).count(), 0);
    agents = manyAgents(3);
    await other.reload();
    await rows(other).first().waitFor();
    assert.equal(await other.getByRole('checkbox').count(), 0, 'nothing to select for who may do nothing');
    await other.done();
  } finally {
    played.session.user.role = 'owner';
  }
});

test('a server that fails: said, tried again; later failures keep what is shown', async () => {
  const restore = played.fail('GET', '/api/agents', 500, 'The database is away.');
  const page = await played.window();
  await page.open('/agents');
  await page.getByRole('alert').filter({ hasText: 'The database is away.' }).waitFor();
  restore();
  await page.getByRole('button', { name: 'Try again' }).click();
  await rows(page).first().waitFor();
  played.fail('GET', '/api/agents', 500);
  await page.getByText('Not up to date').waitFor();
  assert.ok(await drawn(page) > 0);
  await page.done();
});

for (const look of [{}, { colorScheme: 'dark' }, { width: 390, height: 844 }, { width: 390, height: 844, colorScheme: 'dark' }]) {
  test(`hostile and long names, ${JSON.stringify(look)}: nothing runs, nothing sticks out, axe is content`, async () => {
    agents[0] = agentOf(1, { name: '<img src=x onerror=alert(1)>"\'&{{7*7}}', statusReason: '<script>alert(2)</script>' });
    agents[1] = agentOf(2, { name: 'W'.repeat(64), statusReason: 'w'.repeat(400), lastAction: { at: '2026-01-01T00:00:00Z', action: '<b>x</b>' } });
    const page = await opened('', look);
    await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
    await page.getByRole('checkbox', { name: 'Select agent 3', exact: true }).check();
    await page.getByRole('toolbar').waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await sideways(page), 0);
    const heights = await page.evaluate(() => [...new Set([...document.querySelectorAll('tr[data-id]')].map((row) => Math.round(row.getBoundingClientRect().height)))]);
    assert.equal(heights.length, 1, `rows are of one height, not ${heights}`);
    const cut = await page.evaluate(() => [...document.querySelectorAll('tr[data-id]')].slice(2, 12).flatMap((row) => [...row.children])
      .filter((cell) => cell.scrollHeight > cell.clientHeight + 1).map((cell) => cell.className));
    assert.deepEqual(cut, [], 'what is in a cell is seen whole');
    assert.deepEqual(page.faults, []);
    await page.done();
  });
}
