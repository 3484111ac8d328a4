// The whole platform with the probe agent: deploy, verdicts, isolation, faults. See harness.mjs.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Customer, Platform, sleep, until } from './harness.mjs';

const platform = new Platform();
let customer;

before(async () => {
  await platform.start();
  customer = await new Customer(platform).join();
});

after(async () => {
  assert.equal(await platform.stop(), 0, 'the platform stops cleanly');
});

test('a second platform on the same home is refused with the reason', async () => {
  const second = new Platform(platform.home);
  await assert.rejects(second.start(), /a platform already runs on/);
});

test('an agent goes live, is hardened, and leaves nothing when it is deleted', async () => {
  const id = await customer.deploy('hardened');
  const agent = await customer.verdict(id);
  assert.equal(agent.deployment.state, 'live', JSON.stringify(agent));
  assert.deepEqual(agent.deployment.steps.map((s) => s.name),
    ['image', 'volume', 'config', 'create', 'start', 'network', 'verify']);

  const { Config: config, HostConfig: host, State: state } = await platform.containerOf(id);
  assert.equal(host.NetworkMode, 'none');
  assert.equal(host.ReadonlyRootfs, true);
  assert.deepEqual(host.CapDrop, ['ALL']);
  assert.ok(host.SecurityOpt.some((o) => o.startsWith('no-new-privileges')));
  assert.ok(host.Memory > 0 && host.MemorySwap === host.Memory && host.PidsLimit > 0);
  assert.ok(!config.User.startsWith('0') && config.User !== '');
  assert.ok(host.RestartPolicy.Name === 'no' || host.RestartPolicy.Name === '');
  const status = fs.readFileSync(`/proc/${state.Pid}/status`, 'utf8');
  assert.match(status, /CapEff:\s+0+\n/);
  assert.match(status, /NoNewPrivs:\s+1/);
  assert.match(status, /Seccomp:\s+2/);

  const health = await until('healthy', async () => {
    const now = await customer.must(200, 'GET', `/api/agents/${id}/health`);
    return now.status === 'healthy' && now;
  });
  assert.ok(health.checks.length > 0);

  const device = platform.sql(`SELECT interface FROM agent_observations WHERE agent_id = '${id}'`);
  const links = () => execFileSync('ip', ['-o', 'link']).toString();
  assert.match(device, /^dcie2e-\d+$/);
  assert.ok(links().includes(` ${device}@`), `${device} is among the host's interfaces`);

  await customer.remove(id);
  assert.equal(await platform.containerOf(id), undefined);
  assert.equal(fs.existsSync(path.join(platform.home, 'agents', id)), false);
  assert.equal(fs.readFileSync('/proc/mounts', 'utf8').includes(id), false);
  assert.ok(!links().includes(` ${device}@`), `${device} is gone`);
  assert.equal(platform.sql(`SELECT count(*) FROM agent_credentials WHERE agent_id = '${id}'`), '0');
  const audit = await customer.must(200, 'GET', '/api/audit?limit=100');
  const mine = audit.items.filter((e) => e.agentId === id).map((e) => e.actionType);
  for (const action of ['agent_created', 'agent_deployed', 'agent_deleted']) {
    assert.ok(mine.includes(action), `${action} is in ${mine}`);
  }
});

test('an agent that exits at once fails with its exit code and last output', async () => {
  const id = await customer.deploy('exits', { exitCode: 3, exitAfterMs: 200, print: 'plain', printCount: 2 });
  const agent = await customer.verdict(id);
  assert.equal(agent.deployment.state, 'failed');
  assert.equal(agent.deployment.exitCode, 3);
  assert.ok(agent.deployment.lastOutput.length > 0);
  await until('the agent says why', async () => {
    const now = await customer.agent(id);
    return now.status === 'error' && now.statusReason;
  });
  await customer.remove(id);
});

test('of what it writes a reader gets the words and their colours, and nothing else a terminal would obey', async () => {
  const id = await customer.deploy('colourful', { exitCode: 3, exitAfterMs: 200, print: 'ansi', printCount: 2 });
  const agent = await customer.verdict(id);
  const lines = await until('its output', async () => {
    const { items } = await customer.must(200, 'GET', `/api/agents/${id}/output`);
    return items.some(({ line }) => line.includes('red 1')) && items.map(({ line }) => line);
  });
  assert.ok(lines.includes('\u001b[31mred 0\u001b[0m <script>'), JSON.stringify(lines));
  // eslint-disable-next-line no-control-regex
  for (const line of lines) assert.doesNotMatch(line.replaceAll(/\u001b\[[0-9;]*m/g, ''), /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
  assert.match(agent.deployment.lastOutput, /^red 1 <script>$/m, 'the words alone');
  const told = JSON.stringify(await customer.agent(id));
  assert.ok(!told.includes('\\u001b'), told);
  assert.ok(!platform.output.includes('\u001b'), 'nothing of it is in the platform\'s own output');
  await customer.remove(id);
});

test('another customer cannot see, read or change the agent', async () => {
  const id = await customer.deploy('private');
  const other = await new Customer(platform).join();
  const [deployment] = (await customer.must(200, 'GET', `/api/agents/${id}/deployments`)).items;
  const version = `/api/agents/${id}/deployments/${deployment.id}`;
  for (const [method, target, body] of [
    ['GET', version], ['POST', `${version}/restore`, {}], ['GET', `/api/agents/${id}`], ['GET', `/api/agents/${id}/health`], ['GET', `/api/agents/${id}/output`],
    ['GET', `/api/agents/${id}/logs`], ['GET', `/api/agents/${id}/credentials`],
    ['PATCH', `/api/agents/${id}`, { name: 'mine' }], ['POST', `/api/agents/${id}/restart`, {}],
    ['POST', `/api/agents/${id}/stop`, {}], ['DELETE', `/api/agents/${id}`],
    ['POST', `/api/agents/${id}/credentials`, { name: 'x', kind: 'openai', value: 'sk-value-x' }]]) {
    assert.equal((await other.call(method, target, body)).status, 404, `${method} ${target}`);
  }
  assert.equal((await other.must(200, 'GET', '/api/agents')).items.length, 0);
  assert.equal((await other.must(200, 'GET', '/api/audit?limit=200')).items
    .filter((e) => e.agentId === id).length, 0);
  await customer.verdict(id);
  await customer.remove(id);
});

test('from inside, an agent reaches nothing; with the table away it would', async () => {
  const first = await customer.deploy('inside');
  const second = await customer.deploy('neighbour');
  assert.equal((await customer.verdict(first)).deployment.state, 'live');
  assert.equal((await customer.verdict(second)).deployment.state, 'live');
  const address = platform.sql(`SELECT host(address) FROM agent_observations WHERE agent_id = '${second}'`);
  const own = platform.sql(`SELECT host(address) FROM agent_observations WHERE agent_id = '${first}'`);
  const gateway = '10.232.0.1';
  // Something that answers on the host, on every address, TCP and UDP; a program of its own, as we block meanwhile.
  const listener = spawn(process.execPath, ['-e', `
    const s = require('net').createServer((c) => { c.on('error', () => {}); c.end('hello'); });
    s.listen(0, '0.0.0.0', () => {
      const { port } = s.address();
      const u = require('dgram').createSocket('udp4');
      u.on('message', (_, from) => u.send('hello', from.port, from.address));
      u.bind(port, () => console.log(port));
    });`]);
  const port = await new Promise((done) => listener.stdout.once('data', (d) => done(String(d).trim())));
  const { State } = await platform.containerOf(first);
  const within = (...command) => spawnSync('nsenter', ['-t', String(State.Pid), '-n', 'timeout', '4', ...command],
    { encoding: 'utf8' });
  // Egress takes every connection and then ends those that lead nowhere, so what counts is whether
  // anybody else answered.
  const tcp = (host, p) => within('bash', '-c', `cat < /dev/tcp/${host}/${p}`).stdout;
  const reached = (output) => /hello/.test(output);
  const udp = (host, p) => within('python3', '-c', `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
s.sendto(b'x', ('${host}', ${p})); print(s.recvfrom(99)[0].decode())`).stdout;
  // An echo request by hand (type 8, its checksum); an answer has type 0.
  const icmp = (host) => within('python3', '-c', `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP); s.settimeout(2)
s.sendto(bytes([8, 0, 0xf7, 0xfc, 0, 1, 0, 2]), ('${host}', 0)); print('hello' if s.recvfrom(99)[0][20] == 0 else '')`).stdout;

  assert.ok(!reached(tcp(gateway, port)), 'a port of the host');
  for (const [what, target] of [['PostgreSQL', `${gateway}:5432`], ['a neighbour', `${address}:18789`],
    ['the internet', '1.1.1.1:80']]) {
    assert.notEqual(within('curl', '-s', `http://${target}/healthz`).status, 0, what);
  }
  assert.ok(!reached(udp(gateway, port)), 'UDP');
  assert.ok(!reached(icmp(gateway)), 'ICMP');

  // The control: without the table the very same attempt gets through, so the test can fail. The
  // orchestrator is paused meanwhile; it would put the table back.
  const orchestrator = platform.pid('orchestrator');
  process.kill(orchestrator, 'SIGSTOP');
  execFileSync('nft', ['delete', 'table', 'inet', 'deployclaw_e2e']);
  const controls = [tcp(gateway, port), udp(gateway, port), icmp(gateway)];
  process.kill(orchestrator, 'SIGCONT');
  for (const [i, what] of ['TCP', 'UDP', 'ICMP'].entries()) {
    assert.ok(reached(controls[i]), `without the table ${what} reaches the host`);
  }
  await until('the table is back', () => {
    try {
      return execFileSync('nft', ['list', 'table', 'inet', 'deployclaw_e2e'], { stdio: 'pipe' })
        .toString().includes(own);
    } catch { return false; }
  }, 40);
  assert.ok(!reached(tcp(gateway, port)), 'the port is shut again');
  listener.kill();
  await customer.remove(first);
  await customer.remove(second);
});

test('killing any role in the middle of a deploy ends with one live container', async () => {
  for (const [role, wait] of [['api', 100], ['vault', 300], ['orchestrator', 150], ['orchestrator', 600],
    ['orchestrator', 1500], ['dockerd', 800], ['postgres', 800]]) {
    const id = await customer.deploy(`kill-${role}-${wait}`);
    await sleep(wait);
    process.kill(platform.pid(role), 'SIGKILL');
    await until(`${role} is back`, async () => {
      try { return (await customer.call('GET', '/api/auth/session')).status === 200; } catch { return false; }
    }, 60);
    const agent = await until(`agent after ${role} died`, async () => {
      try {
        const now = await customer.agent(id);
        return now.deployment.state === 'live' && now;
      } catch { return false; }
    }, 120);
    assert.equal(agent.deployment.state, 'live');
    const mine = (await platform.containers()).filter((c) => c.Labels['io.deployclaw.agent'] === id);
    assert.equal(mine.length, 1, `containers after killing ${role}: ${JSON.stringify(mine.map((c) => c.Names))}`);
    await customer.remove(id);
  }
});

test('agents come back after the whole platform was stopped and started', async () => {
  const id = await customer.deploy('survivor');
  assert.equal((await customer.verdict(id)).deployment.state, 'live');
  assert.equal(await platform.stop(), 0);
  await platform.start();
  await until('running again', async () => {
    const health = await customer.call('GET', `/api/agents/${id}/health`);
    return health.status === 200 && health.body.status === 'healthy';
  }, 90);
  await customer.remove(id);
});

test('no secret is in any log', async () => {
  const marker = 'sk-never-in-a-log-4b1f0c9d';
  const id = await customer.deploy('secretive', {}, {
    credentials: [{ name: 'openai', kind: 'openai', value: marker }] });
  await customer.verdict(id);
  for (const name of fs.readdirSync(path.join(platform.home, 'log'))) {
    const content = fs.readFileSync(path.join(platform.home, 'log', name), 'utf8');
    for (const secret of [marker, customer.password, customer.secret, customer.cookie.split('=')[1]]) {
      assert.equal(content.includes(secret), false, `${name} holds a secret`);
    }
  }
  const container = JSON.stringify(await platform.containerOf(id));
  assert.equal(container.includes(marker), false);
  await customer.remove(id);
});
