// ./dev bench deploy: from POST /api/agents to the first good readiness of the real OpenClaw, against
// starting the same image with the same limits by hand. Both are asked every 100 ms.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { Customer, Platform, root, until } from '../tests/e2e/harness.mjs';
import { atMost, median, report } from './harness.mjs';

const ROUNDS = 3;
const PLAIN_CURL = ['curl', '-s', '-o', '/dev/null', '-m', '2', '-w', '%{http_code}'];
const CURL = [...PLAIN_CURL, '-H', 'X-Forwarded-For: 192.0.2.1'];
const ready = (command) => spawnSync(command[0], command.slice(1), { encoding: 'utf8' }).stdout === '200';

const platform = new Platform(process.env.DEPLOYCLAW_TEST_HOME ?? path.join(root, 'build/test-home'));
await platform.start();
const ours = [];
const peer = [];
try {
  const customer = await new Customer(platform).join();
  for (let round = 0; round < ROUNDS; ++round) {
    let started = Date.now();
    const agent = await customer.deploy(`bench-${round}`, {}, { runtime: 'openclaw', permissions: { scopes: ['files:write'] } });
    let address = '';
    await until('ours is ready', () => {
      address ||= platform.sql(`SELECT host(address) FROM agent_observations WHERE agent_id = '${agent}'`);
      return address && ready([...CURL, `http://${address}:18789/readyz`]);
    }, 240);
    ours.push((Date.now() - started) / 1000);

    // By hand: the same create request, another name, a folder with the same config file as its state.
    const inspected = await platform.containerOf(agent);
    const state = fs.mkdtempSync(path.join(platform.home, 'peer-'));
    fs.mkdirSync(path.join(state, '.openclaw'), { mode: 0o700 });
    fs.copyFileSync(path.join(platform.home, 'agents', agent, 'state/.openclaw/openclaw.json'),
      path.join(state, '.openclaw/openclaw.json'));
    execFileSync('chown', ['-R', inspected.Config.User, state]);
    // The other mounts too, from copies: the agent's own go with it.
    const bundle = `${state}-ca.pem`;
    fs.copyFileSync(path.join(platform.home, 'agents', agent, 'ca-bundle.pem'), bundle);
    await customer.remove(agent);
    const { Config, HostConfig } = inspected;
    started = Date.now();
    const created = await platform.docker('POST', `/containers/create?name=peer-${process.pid}-${round}`, {
      ...Config, Env: [...Config.Env, 'DEPLOYCLAW_NETWORK=none'], Labels: {},
      HostConfig: { ...HostConfig, Binds: [`${state}:/state`, `${bundle}:/etc/deployclaw/ca-bundle.pem:ro`], Mounts: null } });
    const { Id: id } = JSON.parse(created.body);
    try {
      await platform.docker('POST', `/containers/${id}/start`);
      const pid = JSON.parse((await platform.docker('GET', `/containers/${id}/json`)).body).State.Pid;
      // Asked from inside its own namespace, so without the forwarding header of a trusted proxy.
      const ask = ['nsenter', '-t', String(pid), '-n', ...PLAIN_CURL, 'http://127.0.0.1:18789/readyz'];
      await until('the peer is ready', () => ready(ask), 240);
      peer.push((Date.now() - started) / 1000);
    } finally {
      await platform.docker('DELETE', `/containers/${id}?force=1`);
    }
    fs.rmSync(state, { recursive: true });
    fs.rmSync(bundle);
  }
  report(process.argv[2], [atMost('deploy OpenClaw: seconds to first readiness', median(ours), median(peer), 1.15)]);
} finally {
  await platform.stop();
}
