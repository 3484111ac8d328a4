// Starts the real platform (the release binary, its private PostgreSQL and Docker Engine) for the
// end-to-end tests, and talks to it as a browser would. Needs root. No packages: Node's own modules.

import { spawn, execFileSync } from 'node:child_process';
import { createHmac, createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export const binary = process.env.DEPLOYCLAW_BINARY ?? path.join(root, 'build/release/deployclaw');

// Waits until `probe` gives something truthy; fails with `what` and its last answer otherwise.
export async function until(what, probe, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    last = await probe();
    if (last) return last;
    await sleep(200);
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

// The host's file of the certificates that a container's tools believe.
export const caBundle = ({ HostConfig, Mounts }) => HostConfig.Binds?.find((bind) => bind.includes('ca-bundle'))?.split(':')[0]
  ?? Mounts.find((mount) => mount.Destination.includes('ca-bundle')).Source;

// Records of the audit log, newest first, with what was about to happen and how it ended as one: they
// are two when the log was written in between, and have the same `intent` then.
export function whole(items) {
  const begun = new Map();
  const out = [];
  for (const item of [...items].reverse()) {
    const one = begun.get(item.metadata?.intent);
    if (one && item.outcome !== 'pending') {
      Object.assign(one, { outcome: item.outcome, metadata: { ...one.metadata, ...item.metadata } });
      continue;
    }
    out.push({ ...item });
    if (item.metadata?.intent) begun.set(item.metadata.intent, out.at(-1));
  }
  return out.reverse();
}

// Two platforms run side by side on one machine where each has names, addresses and a folder of its own:
// which of the two this is, tests/CMakeLists.txt says.
const PLACES = {
  first: { suffix: 'e2e', pool: '10.232.0.0/16', folder: '' },
  second: { suffix: 'e2b', pool: '10.233.0.0/16', folder: '-second' },
};
export const place = PLACES[process.env.DEPLOYCLAW_TEST_PLACE ?? 'first'];
if (!place) throw new Error(`DEPLOYCLAW_TEST_PLACE is one of ${Object.keys(PLACES).join(', ')}, not ${process.env.DEPLOYCLAW_TEST_PLACE}`);

export class Platform {
  // `home` is reused between test files so that images are loaded once; agents are not.
  constructor(home = (process.env.DEPLOYCLAW_TEST_HOME ?? path.join(root, 'build/test-home')) + place.folder) {
    this.home = home;
  }

  async start(overrides = []) {
    fs.mkdirSync(this.home, { recursive: true });
    const settings = [
      'api.listen=127.0.0.1:0', 'api.allow_test_runtimes=true',
      'docker.host=unix:///nonexistent/docker.sock',
      `orchestrator.table_suffix=${place.suffix}`, `orchestrator.agent_pool=${place.pool}`,
      ...overrides,
    ];
    const env = { PATH: process.env.PATH, DEPLOYCLAW_HOME: this.home };
    this.output = '';
    this.child = spawn(binary, ['up', ...settings.flatMap((s) => ['--set', s])], { env });
    this.exited = new Promise((done) => this.child.on('exit', (code) => done(code)));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (data) => { this.output += data; });
    }
    let ended = false;
    this.exited.then(() => { ended = true; });
    await until('platform starts', () => {
      if (ended) throw new Error(`deployclaw up ended:\n${this.output}`);
      return /^ready: (\S+)/m.test(this.output);
    }, 180);
    this.url = this.output.match(/^ready: (\S+)/m)[1];
    const canonical = fs.realpathSync(this.home);
    this.run = '/run/deployclaw-' + createHash('sha256').update(canonical).digest('hex').slice(0, 8);
    return this;
  }

  async stop() {
    if (!this.child || this.child.exitCode !== null) return 0;
    this.child.kill('SIGTERM');
    return this.exited;
  }

  setting(section, name) {
    const toml = fs.readFileSync(path.join(this.run, 'deployclaw.toml'), 'utf8');
    const part = toml.split(/^\[/m).find((p) => p.startsWith(section + ']'));
    return part.match(new RegExp(`^${name} = "(.*)"`, 'm'))[1];
  }

  // The pid of a role or service.
  pid(name) {
    const rows = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(this.child.pid)]).toString();
    const row = rows.split('\n').find((r) => r.includes(name));
    return row ? Number(row.trim().split(/\s+/)[0]) : undefined;
  }

  log(name) {
    return fs.readFileSync(path.join(this.home, 'log', `${name}.log`), 'utf8');
  }

  // Docker Engine API over its socket.
  docker(method, target, body) {
    return new Promise((resolve, reject) => {
      const request = http.request(
        { socketPath: path.join(this.run, 'docker.sock'), method, path: '/v1.41' + target,
          headers: body ? { 'content-type': 'application/json' } : {} },
        (response) => {
          const chunks = [];
          response.on('data', (c) => chunks.push(c));
          response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
        });
      request.on('error', reject);
      request.end(body ? JSON.stringify(body) : undefined);
    });
  }

  async containers() {
    const answer = await this.docker('GET', '/containers/json?all=1');
    return JSON.parse(answer.body);
  }

  async containerOf(agent) {
    const answer = await this.docker('GET', `/containers/dc-${agent}/json`);
    return answer.status === 200 ? JSON.parse(answer.body) : undefined;
  }

  // SQL as the superuser.
  sql(text) {
    return execFileSync('psql', ['-h', path.join(this.run, 'pg'), '-U', 'postgres', '-d', 'deployclaw',
      '-AtX', '-v', 'ON_ERROR_STOP=1', '-c', text],
      { env: { PATH: process.env.PATH, PGPASSFILE: path.join(this.run, 'secrets/postgres.pgpass') }, maxBuffer: 256 << 20 })
      .toString().trim();
  }

  // Runs a command inside an agent's container and returns {code, output}.
  inside(agent, command) {
    const state = JSON.parse(execFileSync('curl', ['-s', '--unix-socket', path.join(this.run, 'docker.sock'),
      `http://d/v1.41/containers/dc-${agent}/json`]).toString());
    const created = JSON.parse(execFileSync('curl', ['-s', '--unix-socket', path.join(this.run, 'docker.sock'),
      '-H', 'Content-Type: application/json', '-d',
      JSON.stringify({ AttachStdout: true, AttachStderr: true, Cmd: command }),
      `http://d/v1.41/containers/${state.Id}/exec`]).toString());
    const raw = execFileSync('curl', ['-s', '-m', '60', '--unix-socket', path.join(this.run, 'docker.sock'),
      '-H', 'Content-Type: application/json', '-d', '{"Detach":false,"Tty":false}',
      `http://d/v1.41/exec/${created.Id}/start`]);
    let output = '';
    for (let at = 0; at + 8 <= raw.length;) {
      const size = raw.readUInt32BE(at + 4);
      output += raw.subarray(at + 8, at + 8 + size).toString();
      at += 8 + size;
    }
    const after = JSON.parse(execFileSync('curl', ['-s', '--unix-socket', path.join(this.run, 'docker.sock'),
      `http://d/v1.41/exec/${created.Id}/json`]).toString());
    return { code: after.ExitCode, output };
  }
}

// RFC 6238 with the defaults authenticator apps use.
export function totp(secret, step) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = '';
  for (const c of secret) bits += alphabet.indexOf(c).toString(2).padStart(5, '0');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1000000).padStart(6, '0');
}

// A customer with a cookie, as a browser would hold it.
export class Customer {
  constructor(platform, email = `e2e-${randomBytes(6).toString('hex')}@example.com`) {
    this.platform = platform;
    this.email = email;
    this.password = 'correct horse battery staple';
    this.lastStep = 0;
  }

  call(method, target, body, extra = {}) {
    const headers = { ...extra };
    if (this.cookie) headers.cookie = this.cookie;
    if (method !== 'GET') {
      headers['content-type'] = 'application/json';
      headers.origin = this.platform.url;
      headers['sec-fetch-site'] = 'same-origin';
      if (this.csrf) headers['x-csrf-token'] = this.csrf;
    }
    return new Promise((resolve, reject) => {
      const request = http.request(new URL(target, this.platform.url), { method, headers }, (response) => {
        const chunks = [];
        response.on('data', (c) => chunks.push(c));
        response.on('end', () => {
          for (const line of response.headers['set-cookie'] ?? []) this.cookie = line.split(';')[0];
          const text = Buffer.concat(chunks).toString();
          let json;
          try { json = JSON.parse(text); } catch { json = undefined; }
          resolve({ status: response.statusCode, headers: response.headers, text, body: json });
        });
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  async must(status, method, target, body) {
    const answer = await this.call(method, target, body);
    if (answer.status === 403 && answer.body?.code === 'two_factor_required') {
      await this.verify();
      return this.must(status, method, target, body);
    }
    if (answer.status !== status) {
      throw new Error(`${method} ${target}: expected ${status}, got ${answer.status} ${answer.text}`);
    }
    return answer.body;
  }

  async verify() {
    await until('the next code', () => Math.floor(Date.now() / 30000) > this.lastStep, 31);
    this.lastStep = Math.floor(Date.now() / 30000);
    const answer = await this.must(200, 'POST', '/api/auth/2fa/verify',
      { code: totp(this.secret, this.lastStep) });
    this.csrf = (await this.must(200, 'GET', '/api/auth/session')).csrfToken;
    return answer;
  }

  // Registers and turns on two-factor.
  async join() {
    await this.must(201, 'POST', '/api/auth/register',
      { email: this.email, password: this.password, clientName: 'End to end' });
    this.csrf = (await this.must(200, 'GET', '/api/auth/session')).csrfToken;
    this.secret = (await this.must(200, 'POST', '/api/auth/2fa/setup', {})).secret;
    await this.verify();
    return this;
  }

  async deploy(name, config = {}, more = {}) {
    const body = await this.must(202, 'POST', '/api/agents', {
      name, runtime: 'probe', config, permissions: { scopes: [] }, ...more });
    return body.agent.id;
  }

  async agent(id) {
    return (await this.must(200, 'GET', `/api/agents/${id}`)).agent;
  }

  // The deployment once it has ended.
  async verdict(id, seconds = 90) {
    const agent = await until(`verdict of ${id}`, async () => {
      const now = await this.agent(id);
      return ['live', 'failed', 'rolled_back', 'cancelled'].includes(now.deployment.state) && now;
    }, seconds);
    return agent;
  }

  async remove(id) {
    await this.must(202, 'DELETE', `/api/agents/${id}`);
    await until(`${id} gone`, async () => (await this.call('GET', `/api/agents/${id}`)).status === 404);
  }
}
