// The frame around every page: the palette and its orders, what is told of things that happen
// elsewhere, and the event stream: resumed where it was cut, caught up with after a pause.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness.mjs';
import { agentOf, deploymentOf, manyAgents } from './many_agents.mjs';
import { answer, findings, pageOf, Played, problem } from './played.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';
const played = new Played();
let agents;
let waiting;

before(() => played.start());
after(() => played.stop());
beforeEach(() => {
  played.reset();
  played.session.fresh = true;
  agents = [agentOf(1, { name: 'mailer' }), agentOf(2, { name: 'night watch', status: 'stopped', desiredState: 'stopped' }), agentOf(4, { name: HOSTILE })];
  waiting = [];
  played.on('GET', '/api/agents', ({ query }) => pageOf(agents, query, 200));
  played.on('GET', '/api/agents/:id', ({ params }) => answer(200, { agent: agents.find((one) => one.id === params.id) }, { etag: '"1"' }));
  played.on('GET', '/api/approvals', ({ query }) => ({ ...pageOf(waiting, query), pending: waiting.length }));
});

const change = (name, more, eventId) => {
  const { id } = agents.find((one) => one.name === name);
  agents = agents.map((one) => (one.id === id ? { ...one, ...more } : one));
  const agent = agents.find((one) => one.id === id);
  played.emit('agent.changed', { agentId: agent.id }, eventId);
  return agent;
};
// A new page is a new stream, with its topics; what is told between the two is not played again here.
const streaming = (...topics) => until('the stream is open', () => {
  const last = played.callsOf('GET', '/api/events').at(-1);
  const has = last?.query.topics.split(',') ?? [];
  return ['agents', 'approvals', ...topics].every((one) => has.includes(one)) && [...played.streams].some(({ response }) => response === last.response);
}, 30);
const palette = (page) => page.getByRole('dialog', { name: 'Search' });
const calls = (pattern) => played.callsOf('POST', pattern).length;

async function opened(path = '/audit', title = 'Audit log') {
  const page = await played.window();
  await page.open(path);
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
  return page;
}

test('the palette finds pages and agents; what is typed at once belongs to this opening', async () => {
  const page = await opened();
  await page.getByRole('link', { name: 'Approvals' }).waitFor();
  for (let time = 0; time < 5; time += 1) {
    // No waiting between the keys: nothing of the last opening may be in it, nothing of this one lost.
    await page.keyboard.press('Control+k');
    await Promise.all('night'.split('').map((key) => page.keyboard.press(key)));
    await until('all keys are in it', async () => (await palette(page).getByRole('combobox').inputValue()) === 'night', 30);
    await palette(page).getByRole('option', { name: 'night watch Agent, stopped' }).waitFor();
    await page.keyboard.press('Escape');
    await until('it is closed', async () => (await palette(page).count()) === 0, 30);
  }
  await page.keyboard.press('Control+k');
  await palette(page).getByRole('combobox').waitFor();
  assert.equal(await palette(page).getByRole('option', { name: /^Stop / }).count(), 0, 'orders are not offered unasked');
  assert.deepEqual(await findings(page), []);
  await page.keyboard.type('secur');
  await palette(page).getByRole('option', { name: 'Security Page' }).waitFor();
  await page.keyboard.press('Enter');
  await until('the page', () => page.url().endsWith('/app/security'), 30);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('nothing that there is');
  await palette(page).getByText('Nothing is called that.').waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('arrow keys go round, and the option that Enter would run is told', async () => {
  const page = await opened();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('mailer');
  const box = palette(page).getByRole('combobox');
  await palette(page).getByRole('option', { name: 'Stop mailer Order' }).waitFor();
  const current = async () => page.evaluate(() => document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.textContent ?? '');
  await until('the agent itself is first', async () => /^mailer/.test(await current()), 30);
  await page.keyboard.press('ArrowUp');
  await until('the last', async () => /^(Stop|Restart) mailer/.test(await current()), 30);
  await page.keyboard.press('ArrowDown');
  await until('the first again', async () => /^mailer/.test(await current()), 30);
  assert.equal(await box.getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('Escape');
  await page.done();
});

test('an order from the palette asks first, asks for a code where it must, and is given once', async () => {
  played.session.fresh = false;
  played.on('POST', '/api/agents/:id/stop', ({ params }) => {
    const agent = change(agents.find((one) => one.id === params.id).name, { desiredState: 'stopped' });
    return answer(202, { agent });
  }, { fresh: true });
  const page = await opened();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('stop mail');
  await palette(page).getByRole('option', { name: 'Stop mailer Order' }).waitFor();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Stop mailer?' });
  await dialog.getByText('what it is doing now is cut off').waitFor();
  assert.equal(calls('/api/agents/:id/stop'), 0);
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByRole('dialog', { name: 'Confirm it is you' }).waitFor();
  await page.keyboard.type('123456');
  await page.getByText('mailer is stopping.').waitFor();
  await until('it is closed', async () => (await page.getByRole('dialog').count()) === 0, 30);
  assert.equal(calls('/api/agents/:id/stop'), 2, 'refused for want of a code, then done');

  await page.keyboard.press('Control+k');
  await page.keyboard.type('night');
  await palette(page).getByRole('option', { name: 'Start night watch Order' }).waitFor();
  assert.equal(await palette(page).getByRole('option', { name: 'Stop night watch Order' }).count(), 0, 'what makes no sense is not offered');
  await page.keyboard.press('Escape');
  await page.done();
});

test('an order that is refused says why in its dialog; Cancel gives none', async () => {
  played.on('POST', '/api/agents/:id/restart', problem(409, 'agent_stopped', 'It is stopped: start it instead.'));
  const page = await opened();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('restart mailer');
  await palette(page).getByRole('option', { name: 'Restart mailer Order' }).waitFor();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Restart mailer?' });
  await dialog.getByRole('button', { name: 'Restart', exact: true }).click();
  await dialog.getByRole('alert').filter({ hasText: 'It is stopped: start it instead.' }).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await until('it is closed', async () => (await page.getByRole('dialog').count()) === 0, 30);
  assert.equal(calls('/api/agents/:id/restart'), 1);
  await page.done();
});

test('a viewer gets no orders', async () => {
  played.session.user.role = 'viewer';
  try {
    const page = await opened();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('mailer');
    await palette(page).getByRole('option', { name: /^mailer Agent/ }).waitFor();
    assert.equal(await palette(page).getByRole('option', { name: /Order$/ }).count(), 0);
    await page.done();
  } finally {
    played.session.user.role = 'owner';
  }
});

test('a deployment that ends while one looks elsewhere is told, with the way to it; on its own page it is not', async () => {
  played.live();
  agents = [agentOf(1, { name: 'mailer', status: 'provisioning', deployment: deploymentOf('starting') }), agentOf(2, { name: HOSTILE, status: 'provisioning', deployment: deploymentOf('starting') })];
  const page = await opened();
  await streaming();
  await until('the agents are known', () => played.callsOf('GET', '/api/agents').length > 0, 30);
  await page.getByRole('link', { name: 'Agents' }).click();
  await page.getByRole('link', { name: 'mailer', exact: true }).waitFor();
  const alreadyTold = await page.locator('.toast').count();
  assert.equal(alreadyTold, 0, 'what ended before is no news');
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByRole('heading', { name: 'Audit log' }).waitFor();
  await streaming('audit');
  const { deployment } = agents[1];
  change(HOSTILE, { status: 'error', deployment: { ...deployment, state: 'failed', reason: `exited with code 78 ${HOSTILE}` } });
  const told = page.locator('.toast').filter({ hasText: `${HOSTILE} could not be deployed: exited with code 78 ${HOSTILE}` });
  await told.waitFor();
  change('mailer', { status: 'running', deployment: { ...agents[0].deployment, state: 'live' } });
  await page.locator('.toast').filter({ hasText: 'mailer is live.' }).waitFor();
  assert.deepEqual(await findings(page), []);
  await told.getByRole('link', { name: 'See why' }).click();
  await until('its deployment', () => page.url().endsWith(`/app/agents/${agents[1].id}/deploying`), 30);
  await page.getByText('It could not be deployed').waitFor();
  await streaming(`agent:${agents[1].id}`);
  // Another ends while its page is open.
  const before = played.callsOf('GET', '/api/agents').length;
  change(HOSTILE, { status: 'running', deployment: deploymentOf('live') });
  await page.getByText('It is live').waitFor();
  await until('the list is fetched', () => played.callsOf('GET', '/api/agents').length > before, 30);
  assert.equal(await page.locator('.toast').filter({ hasText: `${HOSTILE} is live.` }).count(), 0);
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('many deployments that end at once are one message', async () => {
  played.live();
  agents = manyAgents(8).map((one) => ({ ...one, status: 'provisioning', deployment: deploymentOf('starting') }));
  const page = await opened('/agents', 'Agents');
  await page.getByRole('link', { name: 'agent 8', exact: true }).waitFor();
  await streaming();
  agents = agents.map((one, index) => ({ ...one, status: index < 2 ? 'error' : 'running', deployment: { ...one.deployment, state: index < 2 ? 'failed' : 'live' } }));
  played.emit('deployment.changed', { agentId: agents[0].id, deploymentId: agents[0].deployment.id });
  await page.getByText('8 deployments have ended, 2 of them not well.').waitFor();
  assert.equal(await page.locator('.toast').count(), 1);
  await page.done();
});

const held = (number, agentName) => ({ id: `00000000-0000-4000-a000-${String(number).padStart(12, '0')}`, agentId: agents[0].id, agentName, scope: 'email:send', target: 'ada@example.com', digest: 'ab'.repeat(32),
  state: 'pending', createdAt: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString(), expiresAt: '2099-01-01T00:00:00Z', decidedAt: null, decidedBy: null, usedAt: null, requestBytes: 10, request: null });

test('requests that wait are counted in the navigation and told when they come', async () => {
  played.live();
  waiting = [held(1, 'mailer')];
  const page = await opened();
  await page.getByRole('link', { name: 'Approvals 1 waiting' }).waitFor();
  assert.equal(await page.locator('.toast').count(), 0, 'what waited before is counted, not told');
  await streaming();
  waiting = [held(2, HOSTILE), ...waiting];
  played.emit('approval.changed', { approvalId: waiting[0].id, agentId: agents[0].id });
  await page.getByRole('link', { name: 'Approvals 2 waiting' }).waitFor();
  const told = page.locator('.toast').filter({ hasText: `${HOSTILE} waits for your approval; 2 requests wait in all.` });
  await told.waitFor();
  waiting = [];
  played.emit('approval.changed', { approvalId: 'x', agentId: agents[0].id });
  await page.getByRole('link', { name: 'Approvals', exact: true }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('an answer that was lost takes no place out of the navigation for good', async () => {
  const page = await played.window();
  let lost = 0;
  await page.route('**/api/approvals?*', (route) => {
    lost += 1;
    return lost <= 3 ? route.abort() : route.continue();
  });
  await page.open('/audit');
  await until('it has given up', () => lost === 3, 30);
  assert.equal(await page.getByRole('link', { name: 'Approvals' }).count(), 0);
  await page.getByRole('link', { name: 'Approvals' }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a stream that is cut is resumed behind the last event', async () => {
  played.live();
  const page = await opened('/agents', 'Agents');
  await streaming();
  const id = '00000000-0000-4000-8000-00000000beef';
  change('mailer', { name: 'mailer two' }, id);
  await page.getByRole('link', { name: 'mailer two' }).waitFor();
  const streams = played.callsOf('GET', '/api/events').length;
  played.cutStreams();
  await until('another stream', () => played.callsOf('GET', '/api/events').length > streams, 30);
  assert.equal(played.callsOf('GET', '/api/events').at(-1).headers['last-event-id'], id);
  await streaming();
  change('mailer two', { name: 'mailer three' });
  await page.getByRole('link', { name: 'mailer three' }).waitFor();
  await page.done();
});

test('without a stream the pages poll, and use it once it is there', async () => {
  const undo = played.fail('GET', '/api/events', 503);
  const page = await opened('/agents', 'Agents');
  await page.getByRole('link', { name: 'mailer', exact: true }).waitFor();
  agents = agents.map((one) => (one.name === 'mailer' ? { ...one, name: 'polled' } : one));
  await page.getByRole('link', { name: 'polled' }).waitFor();
  played.live();
  undo();
  await streaming();
  change('polled', { name: 'streamed' });
  await page.getByRole('link', { name: 'streamed' }).waitFor();
  await page.done();
});

test('a tab that was paused catches up when it is shown', async () => {
  const page = await opened('/agents', 'Agents');
  await page.getByRole('link', { name: 'mailer', exact: true }).waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  agents = agents.map((one) => (one.name === 'mailer' ? { ...one, name: 'renamed meanwhile' } : one));
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  await page.getByRole('link', { name: 'renamed meanwhile' }).waitFor();
  await page.done();
});

test('a burst of events is one fetch after another, never many at once', async () => {
  played.live();
  const page = await opened('/agents', 'Agents');
  await page.getByRole('link', { name: 'mailer', exact: true }).waitFor();
  await streaming();
  let now = 0;
  let most = 0;
  let rounds = 0;
  let finish;
  const gate = new Promise((done) => { finish = done; });
  played.on('GET', '/api/agents', async ({ query }) => {
    now += 1;
    rounds += 1;
    most = Math.max(most, now);
    await gate;
    now -= 1;
    return pageOf(agents, query, 200);
  });
  for (let event = 0; event < 100; event += 1) played.emit('agent.changed', { agentId: agents[0].id });
  await until('a fetch runs', () => rounds > 0, 30);
  for (let event = 0; event < 100; event += 1) played.emit('agent.changed', { agentId: agents[0].id });
  agents = agents.map((one) => (one.name === 'mailer' ? { ...one, name: 'after the burst' } : one));
  finish();
  await page.getByRole('link', { name: 'after the burst' }).waitFor();
  assert.ok(most <= 2, `${most} at once`);
  await page.done();
});
