// The limits of what an agent may use, from inside its network: exactly as many requests pass as its
// windows allow, whoever asks at once and whatever is killed meanwhile.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { startEchoOrigin } from '../fakes/echo_origin.mjs';
import { binary, Customer, Platform, sleep, until, whole } from './harness.mjs';

const run = promisify(execFile);
const platform = new Platform();
let customer, origin, agent, pid;

const URL_OF = 'http://echo.example.com';
const permissions = (rateLimits) => ({ scopes: ['api:outbound'], allowedDomains: ['echo.example.com'], rateLimits });
const hourly = (maxPerHour, more = {}) => permissions({ 'api:outbound': { maxPerHour, ...more } });
const limit = (wanted) => customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions: wanted });

// Sends `count` requests at once from the agent's network; [{status, retryAfter, problem}]. Status 0:
// none within `patience` milliseconds.
async function ask(count, path = '/echo', patience = 25_000) {
  const { stdout } = await run('nsenter', ['-t', String(pid), '-n', 'node', '--input-type=module', '-e', `
    import http from 'node:http';
    const one = () => new Promise((done) => {
      const request = http.request({ host: '10.232.0.1', port: 3128, path: '${URL_OF}${path}',
        headers: { host: 'echo.example.com' }, timeout: ${patience} }, (answer) => {
        const parts = [];
        answer.on('data', (d) => parts.push(d));
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString();
          let problem;
          try { problem = JSON.parse(text); } catch { /* no problem */ }
          done({ status: answer.statusCode, retryAfter: Number(answer.headers['retry-after']), problem });
        });
      });
      request.on('timeout', () => request.destroy());
      request.on('error', (e) => done({ status: 0, error: e.code }));
      request.end();
    });
    console.log(JSON.stringify(await Promise.all(Array.from({ length: ${count} }, one))));`],
    { timeout: 60_000, maxBuffer: 64 << 20 });
  return JSON.parse(stdout);
}
const passed = (answers) => answers.filter(({ status }) => status === 200).length;
const refused = (answers) => answers.filter(({ status }) => status === 429);
const used = () => Number(platform.sql(
  `SELECT coalesce(sum(cardinality(at)), 0) FROM scope_uses WHERE agent_id = '${agent}'`));

async function restart(signal = 'SIGKILL') {
  const old = platform.pid('egress');
  process.kill(old, signal);
  await until('another egress', () => { const now = platform.pid('egress'); return now && now !== old; }, 90);
  await until('it listens', async () => (await ask(1, '/refused'))[0].status !== 0, 90);
}

before(async () => {
  const authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-limits-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  origin = await startEchoOrigin({ host: '127.0.0.3', port: 80 });
  await platform.start(['egress.hosts=echo.example.com=127.0.0.3', `egress.extra_roots=${authority.certFile}`]);
  customer = await new Customer(platform).join();
  agent = await customer.deploy('limits', {}, { permissions: hourly(10) });
  assert.equal((await customer.verdict(agent)).deployment.state, 'live');
  pid = (await platform.containerOf(agent)).State.Pid;
});

after(async () => {
  if (agent) await customer.remove(agent);
  assert.equal(await platform.stop(), 0);
  await origin?.close();
});

test('of many requests at once exactly as many pass as the hour allows, and the others are told why', async () => {
  const answers = await ask(60);
  assert.equal(passed(answers), 10, JSON.stringify(answers.map((a) => a.status)));
  assert.equal(origin.record.entries.length, 10, 'and no other one left');
  const others = refused(answers);
  assert.equal(others.length, 50);
  for (const { retryAfter, problem } of others) {
    assert.equal(problem.code, 'rate_limited');
    assert.equal(problem.layer, 'rate');
    assert.equal(problem.scope, 'api:outbound');
    assert.equal(problem.window, 'hour');
    assert.equal(problem.max, 10);
    assert.equal(problem.retryAfter, retryAfter);
    assert.ok(retryAfter > 3500 && retryAfter <= 3600, `${retryAfter} s`);
  }
  const record = await until('the record of a denial', async () => {
    const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`);
    return whole(log.items).find((e) => e.outcome === 'denied' && e.metadata.layer === 'rate');
  }, 10);
  assert.equal(record.metadata.max, 10);
  assert.equal(record.metadata.scope, 'api:outbound');
});

test('a killed egress, drained or not, gives nobody a fresh hour', async () => {
  await until('the database has them', () => used() === 10, 10);
  await restart();
  assert.equal(passed(await ask(20)), 0, 'from the database');
  await limit(hourly(13));
  await until('three more', async () => passed(await ask(20)) === 3, 5);
  // Before the drainer's next round, most likely: these are in the spool only.
  await restart();
  assert.equal(passed(await ask(20)), 0, 'from the spool');
  await until('each is counted once', () => used() === 13, 10);
  await restart('SIGTERM');
  assert.equal(passed(await ask(20)), 0, 'after a stop');
  assert.equal(used(), 13);
});

test('a limit changes within a second, and what was used stays used', async () => {
  await limit(hourly(14));
  await sleep(1000);
  assert.equal(passed(await ask(20)), 1);
  await limit(hourly(5));
  await sleep(1000);
  const [answer] = await ask(1);
  assert.equal(answer.status, 429);
  assert.equal(answer.problem.max, 5);
  await limit(hourly(1000, { maxPerDay: 1000 }));
  await sleep(1000);
  assert.equal(passed(await ask(20)), 20);
});

test('a day has its own limit, and its own time to wait', async () => {
  await until('all are counted', () => used() === 34, 10);
  await limit(hourly(36, { maxPerDay: 36 }));
  await sleep(1000);
  const answers = await ask(20);
  assert.equal(passed(answers), 2);
  const { problem, retryAfter } = refused(answers)[0];
  assert.equal(problem.window, 'day');
  assert.ok(retryAfter > 86_000 && retryAfter <= 86_400, `${retryAfter} s`);
});

test('without limits of the customer the defaults hold, and none may be without bound', async () => {
  const own = await customer.deploy('defaults', {}, { permissions: permissions({}) });
  assert.equal((await customer.verdict(own)).deployment.state, 'live');
  const before = pid;
  pid = (await platform.containerOf(own)).State.Pid;
  try {
    assert.equal(passed(await ask(5)), 5);
    // As if it had used what api:outbound allows in an hour.
    const minute = Math.floor(Date.now() / 60_000);
    platform.sql(`INSERT INTO scope_uses SELECT client_id, id, ${minute - 1}, 'api:outbound',
      (SELECT array_agg(n % 60000) FROM generate_series(1, 9995) n) FROM agents WHERE id = '${own}'`);
    await restart();
    const answers = await ask(10);
    assert.equal(passed(answers), 0, JSON.stringify(answers.map((a) => a.status)));
    assert.equal(refused(answers)[0].problem.max, 10_000);
  } finally {
    pid = before;
    await customer.remove(own);
  }
  const huge = await customer.call('PATCH', `/api/agents/${agent}`, { permissions: hourly(1_000_001) });
  assert.equal(huge.status, 422);
  assert.equal(huge.body.errors[0].pointer, '/permissions/rateLimits/api:outbound/maxPerHour');
});

test('13: many small requests to an allowed host end at the limit', async () => {
  await limit(hourly(50, { maxPerDay: 50 }));
  await sleep(1000);
  const before = origin.record.entries.length;
  let got = 0;
  for (let i = 0; i < 3; ++i) got += passed(await ask(40, `/echo/data-in-a-path-${i}`));
  assert.equal(got, 50 - 36);
  assert.equal(origin.record.entries.length - before, got, 'no more of its data came out');
});

// Another egress role on the same home, as the first one was started. {code, said}
async function secondEgress() {
  const status = fs.readFileSync(`/proc/${platform.pid('egress')}/status`, 'utf8');
  const uid = status.match(/^Uid:\t(\d+)/m)[1];
  const capabilities = '-all,+sys_admin,+setuid,+setgid,+kill';
  const program = fs.openSync(binary, 'r'); // its user may not be able to go where it lies
  try {
    const child = spawn('setpriv', ['--reuid', uid, '--regid', uid, '--clear-groups', '--no-new-privs',
      '--bounding-set', capabilities, '--inh-caps', capabilities, '--ambient-caps', capabilities,
      '/proc/self/fd/3', 'egress', '--config', path.join(platform.run, 'deployclaw.toml')],
    { stdio: ['ignore', 'pipe', 'pipe', program], env: { PATH: process.env.PATH }, cwd: '/' });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data; });
    const given_up = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const code = await new Promise((done) => { child.on('close', done); });
    clearTimeout(given_up);
    return { code, said };
  } finally {
    fs.closeSync(program);
  }
}

test('a second egress on the host refuses to start, and the limit counts on as if there were none', async () => {
  await until('all are counted', () => used() === 50, 30);
  await limit(hourly(60, { maxPerDay: 60 }));
  await until('the limit holds', async () => passed(await ask(1)) === 1, 30);
  assert.equal(passed(await ask(4)), 4);
  const first = platform.pid('egress');
  const [second, during] = await Promise.all([secondEgress(), ask(40)]);
  assert.equal(second.code, 1, second.said);
  assert.match(second.said, /another egress process uses the spool in \S+\/egress\/spool/);
  assert.equal(passed(during), 5, 'neither fewer nor more while it tried');
  assert.equal(passed(await ask(20)), 0, 'nor afterwards');
  assert.equal(platform.pid('egress'), first);
  await until('each is counted once', () => used() === 60, 30);
});

test('where a limit is reached nobody is asked, and a grant is kept for later', async () => {
  const waiting = async (target) => (await customer.must(200, 'GET', `/api/agents/${agent}/approvals`)).items
    .filter((one) => one.target.endsWith(target));
  const approved = (rateLimits) => limit({ ...hourly(...rateLimits), approval: ['api:outbound'] });
  await approved([1000, { maxPerDay: 1000 }]);
  // A request that was let through is one that came before the policy.
  const [held] = await until('a request that waits', async () => {
    await ask(1, '/echo/held', 2000);
    const list = await waiting('/held');
    return list.length > 0 && list;
  }, 60);
  await approved([1]);
  await until('the limit holds', async () => (await ask(1, '/echo/probe', 2000))[0].status === 429, 60);
  const [answer] = await ask(1, '/echo/fresh');
  assert.equal(answer.status, 429);
  assert.equal(answer.problem.code, 'rate_limited');
  assert.equal(answer.problem.scope, 'api:outbound');
  assert.ok(answer.retryAfter > 0);
  assert.deepEqual(await waiting('/fresh'), [], 'nobody was asked');
  await customer.must(200, 'POST', `/api/agents/${agent}/approvals/${held.id}/grant`, {});
  assert.equal((await ask(1, '/echo/held'))[0].status, 429);
  assert.equal((await waiting('/held')).find((one) => one.id === held.id).state, 'granted', 'the yes is still good');
  const before = origin.record.entries.length;
  await approved([1000, { maxPerDay: 1000 }]);
  await until('there is room again', async () => (await ask(1, '/echo/held'))[0].status === 200, 90);
  assert.equal(origin.record.entries.length, before + 1);
  assert.equal((await waiting('/held')).find((one) => one.id === held.id).state, 'used');
  assert.equal((await waiting('/held')).length, 1, 'and for one request');
  await limit(hourly(1000, { maxPerDay: 1000 }));
  await until('nobody is asked any more', async () => passed(await ask(1, '/echo/free', 3000)) === 1, 60);
});

test('22: while it is not known what was used, nothing is sent', async () => {
  await limit(hourly(1000, { maxPerDay: 1000 }));
  await sleep(1000);
  assert.equal(passed(await ask(1)), 1, 'the control');
  const database = platform.pid('postgres');
  const before = origin.record.entries.length;
  process.kill(database, 'SIGSTOP');
  try {
    // What is known already goes on without the database.
    assert.equal(passed(await ask(3)), 3);
    const old = platform.pid('egress');
    process.kill(old, 'SIGKILL');
    await until('another egress', () => { const now = platform.pid('egress'); return now && now !== old; }, 90);
    await sleep(2000);
    const answers = await ask(5).catch(() => []);
    assert.equal(passed(answers), 0);
    assert.equal(origin.record.entries.length, before + 3);
  } finally {
    process.kill(database, 'SIGCONT');
  }
  await until('it works again', async () => passed(await ask(1)) === 1, 60);
});

test('the metrics tell decisions, and how long the ledger took', async () => {
  const listen = platform.setting('egress', 'listen');
  const text = await (await fetch(`http://${listen}/metrics`)).text();
  const value = (name) => Number(text.split('\n').find((line) => line.startsWith(name + ' '))?.split(' ')[1]);
  assert.ok(value('egress_decisions_total{verdict="allowed",layer=""}') >= 1);
  assert.ok(value('egress_ledger_seconds_count') >= 1);
  assert.equal(value('egress_ledger_seconds_bucket{le="+Inf"}'), value('egress_ledger_seconds_count'));
});
