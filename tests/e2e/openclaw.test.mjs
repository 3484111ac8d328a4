// The main job with the real OpenClaw, as ./dev demo does it; then a prompt that it answers through
// egress, with a placeholder where its key would be.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { makeAuthority } from '../fakes/authority.mjs';
import { encodings } from '../fakes/encodings.mjs';
import { startModelServer } from '../fakes/model_server.mjs';
import { Customer, Platform, root, until } from './harness.mjs';

const KEY = 'sk-real-openai-key-for-the-main-job-0123456789abcdef';
const platform = new Platform();
let models;

before(async () => {
  const authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-openclaw-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  models = await startModelServer({ authority, names: ['api.openai.com'], host: '127.0.0.2', port: 443,
    keys: { openai: KEY } });
  await platform.start(['egress.hosts=api.openai.com=127.0.0.2', `egress.extra_roots=${authority.certFile}`]);
});
after(async () => {
  assert.equal(await platform.stop(), 0);
  await models.close();
});

test('a customer deploys, restarts and deletes a real OpenClaw agent', () => {
  const demo = spawnSync(path.join(root, 'dev'), ['demo'],
    { env: { ...process.env, DEPLOYCLAW_HOME: platform.home }, encoding: 'utf8', timeout: 600_000 });
  console.log(demo.stdout);
  assert.equal(demo.status, 0, demo.stderr);
  assert.match(demo.stdout, /^demo: passed$/m);
});

// Asks as the platform's proxy does: the user's name in the header that the agent's config names.
function prompt(address, userHeader, text) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: address, port: 18789, method: 'POST', path: '/v1/chat/completions',
      headers: { [userHeader]: 'ada@example.com', 'content-type': 'application/json', 'x-forwarded-for': '192.0.2.1' },
      timeout: 120_000 }, (response) => {
      const chunks = [];
      response.on('data', (c) => chunks.push(c));
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(JSON.stringify({ model: 'openclaw', messages: [{ role: 'user', content: text }], user: 'test' }));
  });
}

// Every process of the container, by its cgroup.
function processesOf(container) {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try { return fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container.Id); } catch { return false; }
  });
}

// All readable memory of a process, as the agent's own root could read it.
function* memoryOf(pid) {
  const memory = fs.openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) r.*?(\S*)$/.exec(line);
      if (!match || /^\[v/.test(match[3])) continue;
      const size = 1 << 24;
      for (let at = parseInt(match[1], 16); at < parseInt(match[2], 16); at += size - 1024) {
        const bytes = Buffer.alloc(Math.min(size, parseInt(match[2], 16) - at));
        try { yield bytes.subarray(0, fs.readSync(memory, bytes, 0, bytes.length, at)); } catch { /* a hole */ }
      }
    }
  } finally { fs.closeSync(memory); }
}

// A live OpenClaw of a new customer, and how to ask it something.
async function deployed(name, permissions, credentials) {
  const customer = await new Customer(platform).join();
  const agent = await customer.deploy(name, {}, { runtime: 'openclaw', permissions,
    credentials: [{ name: 'openai', kind: 'openai', value: KEY }, ...credentials] });
  assert.equal((await customer.verdict(agent, 400)).deployment.state, 'live');
  const address = platform.sql(`SELECT host(address) FROM agent_observations WHERE agent_id = '${agent}'`);
  const volume = path.join(platform.home, 'agents', agent);
  const config = JSON.parse(execFileSync('find', [volume, '-name', 'openclaw.json']).toString().trim().split('\n')
    .map((file) => fs.readFileSync(file, 'utf8'))[0]);
  return { customer, agent, volume, ask: (text) => prompt(address, config.gateway.auth.trustedProxy.userHeader, text) };
}

test('OpenClaw answers a prompt through egress; the model gets the key, the container never does', async () => {
  const { customer, agent, volume, ask } = await deployed('talks', { scopes: ['files:write'] }, []);
  models.behaviour.reply = 'The answer is forty-two.';
  const answer = await ask('What is the answer?');
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /forty-two/);
  const call = (await models.record.wait(1)).find((r) => /completions|responses/.test(r.target ?? r.path ?? r.url));
  assert.equal(call.headers.authorization, `Bearer ${KEY}`);

  const disguises = Object.values(encodings).map((encode) => Buffer.from(encode(KEY)));
  const clean = (bytes, what) => {
    for (const one of disguises) assert.equal(bytes.includes(one), false, `${what} holds the key`);
  };
  const container = await platform.containerOf(agent);
  clean(Buffer.from(JSON.stringify(container)), 'the container’s settings');
  const pids = processesOf(container);
  assert.ok(pids.length > 0);
  const placeholder = Buffer.from(platform.sql(`SELECT placeholder FROM agent_credentials WHERE agent_id = '${agent}'`));
  let seen = false;
  for (const pid of pids) {
    // Some end while we look.
    if (!fs.existsSync(`/proc/${pid}/environ`)) continue;
    clean(fs.readFileSync(`/proc/${pid}/environ`), `environment of ${pid}`);
    for (const bytes of memoryOf(pid)) {
      clean(bytes, `memory of ${pid}`);
      seen = seen || bytes.includes(placeholder);
    }
  }
  assert.ok(seen, 'the scan does find what is there: the placeholder');
  assert.equal(spawnSync('grep', ['-rlaF', KEY, volume]).status, 1, 'the volume');
  for (const name of fs.readdirSync(path.join(platform.home, 'log'))) {
    clean(fs.readFileSync(path.join(platform.home, 'log', name)), name);
  }
  const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=100`);
  const record = log.items.find((e) => e.actionType === 'model_call');
  assert.deepEqual(record.metadata.credentials, ['openai']);
  clean(Buffer.from(JSON.stringify(log)), 'the audit log');
  await customer.remove(agent);
});

// What the model was told of the tool that it called.
const toolResults = () => models.record.entries.filter(({ method }) => method === 'POST')
  .flatMap(({ body }) => JSON.parse(body).messages ?? []).filter(({ role }) => role === 'tool').map(({ content }) => JSON.stringify(content));

test('OpenClaw, asked to call a denied service, is told why in data, and its owner is offered the scope', async () => {
  const { customer, agent, ask } = await deployed('asks for more', { scopes: ['files:write', 'email:send'] },
    [{ name: 'mail', kind: 'gmail', value: 'ya29.a-real-mail-token-0123456789abcdef' }]);
  // Besides, OpenClaw asks for its own feeds by itself, at times of its own.
  const offered = async () => (await customer.must(200, 'GET', `/api/agents/${agent}/suggestions`)).items.filter(({ id }) => id.startsWith('scope:'));
  assert.deepEqual(await offered(), []);
  models.record.clear();
  models.behaviour.reply = 'I may not read your mail.';
  models.behaviour.call = { name: 'tool_call', arguments: { id: 'web_fetch',
    args: { url: 'https://gmail.googleapis.com/gmail/v1/users/me/messages', extractMode: 'text' } } };
  const answer = await ask('What is in my mail?').finally(() => { models.behaviour.call = undefined; });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /may not read/);
  const told = toolResults().join('\n');
  for (const part of ['egress_denied', 'missingScope', 'email:read', 'gmail/read']) assert.ok(told.includes(part), `${part}: ${told}`);
  const suggestions = await until('a suggestion', async () => {
    const items = await offered();
    return items.length > 0 && items;
  }, 60);
  assert.equal(suggestions.length, 1);
  const [suggestion] = suggestions;
  assert.equal(suggestion.id, 'scope:email:read');
  assert.deepEqual(suggestion.patch, [{ op: 'add', path: '/scopes/-', value: 'email:read' }]);
  assert.match(suggestion.example, /GET https:\/\/gmail\.googleapis\.com\/gmail\/v1\/users\/me\/messages/);
  assert.deepEqual((await customer.agent(agent)).permissions.scopes.sort(), ['email:send', 'files:write'], 'nothing is applied by itself');
  await customer.remove(agent);
});
