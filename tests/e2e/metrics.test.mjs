// What agents use, from the kernel's counters to the API: a real agent that idles, works, is restarted,
// crashes and is deleted.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Customer, Platform, until } from './harness.mjs';

const MEASURED = ['cpuCores', 'memoryBytes', 'networkRxBytes', 'networkTxBytes'];
const platform = new Platform();
let customer, agent, address;

const metrics = (query = '?range=1h') => customer.must(200, 'GET', `/api/agents/${agent}/metrics${query}`);
const known = (series) => series.filter(([, value]) => value !== null);
const listed = async () => (await customer.must(200, 'GET', '/api/agents')).items.find((one) => one.id === agent);
// Samples come every 15 seconds, and the first tells no rate yet.
const whenMeasured = (what, holds) => until(what, async () => {
  const answer = await metrics();
  return holds(answer) && answer;
}, 150);
// At most so many steps ago, as the last known ones are.
const latest = (series) => known(series).at(-1)?.[1];

// Asks the agent again and again, as a busy day would, until the returned function is called.
function keepBusy() {
  let busy = true;
  const loops = [1, 2, 3, 4].map(async () => {
    while (busy) await fetch(`http://${address}:18789/mounts`).then((answer) => answer.text()).catch(() => {});
  });
  return () => { busy = false; return Promise.all(loops); };
}

before(async () => {
  await platform.start();
  customer = await new Customer(platform).join();
  agent = await customer.deploy('measured');
  assert.equal((await customer.verdict(agent)).deployment.state, 'live');
  address = platform.sql(`SELECT host(address) FROM agent_observations WHERE agent_id = '${agent}'`);
});
after(async () => assert.equal(await platform.stop(), 0));

test('an idle agent is measured: little CPU, some memory, its probes on the network', async () => {
  const { series, current, stepSeconds } = await whenMeasured('the first samples', ({ series, current }) => current && known(series.cpuCores).length >= 2);
  assert.equal(stepSeconds, 15);
  for (const name of MEASURED) {
    assert.equal(series[name].length, 240);
    assert.ok(known(series[name]).every(([, value]) => value >= 0), name);
  }
  assert.ok(latest(series.memoryBytes) > 100_000, 'a process has memory');
  assert.ok(latest(series.networkRxBytes) > 0 && latest(series.networkTxBytes) > 0, 'the platform asks it for its health');
  assert.ok(series.tokensIn.every(([, value]) => value === 0) && series.spendUsd.every(([, value]) => value === 0));
  assert.equal(series.cpuCores[0][1], null, 'there was no agent an hour ago');
});

test('the list tells use, spend, restarts and last action of each agent', async () => {
  const { resources } = await listed();
  const one = await until('the agent measured in the list', async () => { const now = await listed(); return now.usage && now; }, 90);
  assert.ok(one.usage.cpuPercent >= 0 && one.usage.memoryBytes > 0);
  assert.equal(one.usage.memoryLimitBytes, resources.memoryMb * 1048576);
  assert.equal(one.restarts, 0);
  assert.equal(one.spend.todayUsd, 0);
  assert.ok(one.spend.capUsd > 0);
  assert.ok(one.lastAction.action.length > 0 && Date.parse(one.lastAction.at) <= Date.now() + 1000);
});

test('a busy agent shows more CPU and more network', async () => {
  const before = (await metrics()).series;
  const most = (series) => Math.max(...known(series).map(([, value]) => value));
  const idle = { cpu: most(before.cpuCores), sent: most(before.networkTxBytes) };
  const rest = keepBusy();
  try {
    await whenMeasured('a busy sample', ({ series }) =>
      latest(series.cpuCores) > Math.max(2 * idle.cpu, 0.01) && latest(series.networkTxBytes) > idle.sent + 100_000
        && latest(series.networkRxBytes) > 10_000);
  } finally {
    await rest();
  }
});

test('after a restart and after a crash no rate is wrong', async () => {
  const samples = async () => known((await metrics()).series.cpuCores).length;
  await customer.must(202, 'POST', `/api/agents/${agent}/restart`, {});
  await until('restarted', async () => { const { deployment } = await customer.agent(agent); return deployment.kind === 'restart' && deployment.state === 'live'; }, 120);
  const restarted = await samples();
  await whenMeasured('samples of the new container', ({ series }) => known(series.cpuCores).length >= restarted + 2);
  await fetch(`http://${address}:18789/do/exit?code=3`).catch(() => {});
  await until('the crash is told', async () => (await listed()).restarts >= 1, 120);
  await until('it runs again', async () => (await customer.must(200, 'GET', `/api/agents/${agent}/health`)).status === 'healthy', 120);
  const crashed = await samples();
  const { series } = await whenMeasured('samples after the crash', (answer) => known(answer.series.cpuCores).length >= crashed + 2);
  for (const name of MEASURED) assert.ok(known(series[name]).every(([, value]) => value >= 0), name);
  assert.ok(known(series.cpuCores).every(([, value]) => value < 4), 'no leap where a counter began anew');
  assert.ok(known(series.networkTxBytes).every(([, value]) => value < 1e9));
});

test('longer times show the same samples in longer steps', async () => {
  for (const [range, step] of [['6h', 120], ['24h', 600], ['7d', 3600], ['30d', 14_400]]) {
    const answer = await until(`samples over ${range}`, async () => {
      const now = await metrics(`?range=${range}`);
      return known(now.series.memoryBytes).length > 0 && now;
    }, 120);
    assert.equal(answer.stepSeconds, step);
    assert.ok(answer.series.cpuCores.length <= 240);
  }
});

test('nobody else sees them, and a bad question is told with its field', async () => {
  const other = await new Customer(platform).join();
  assert.equal((await other.call('GET', `/api/agents/${agent}/metrics`)).status, 404);
  const bad = await customer.call('GET', `/api/agents/${agent}/metrics?range=2h`);
  assert.equal(bad.status, 422);
  assert.equal(bad.body.errors[0].pointer, '/query/range');
});

test('a stopped agent is not measured, and with a deleted one its metrics go', async () => {
  await customer.must(202, 'POST', `/api/agents/${agent}/stop`, {});
  await until('nothing used', async () => (await listed()).usage === null, 90);
  await customer.remove(agent);
  assert.equal(platform.sql(`SELECT count(*) FROM agent_metrics WHERE agent_id = '${agent}'`), '0');
});
