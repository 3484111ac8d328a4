// Do the gateway, nginx and Node read the same requests in what the gateway forwards? A generator
// makes connections of good and bad requests from a seed; a real worker forwards what it accepts;
// what it forwarded is given to both servers, which must see the requests that we see: how many,
// and of each the method, the target, the path, Host and the length of the body.
//
// FRAMING_SEED chooses the run: 1 unless set, "random" for a new one (printed by it). FRAMING_CASES sets how many connections (3,000).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { connection } from './generator.mjs';
import { NginxOrigin, NodeOrigin } from './upstreams.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const program = process.env.FRAMING_FORWARDER ?? path.join(here, '../../build/asan/tests/framing_forwarder');
const given = process.env.FRAMING_SEED ?? '1';
const seed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
const cases = Number(process.env.FRAMING_CASES ?? 3000);
const atOnce = 16;
const sentinel = 'GET /the-end HTTP/1.1\r\nHost: the-end\r\nConnection: close\r\n\r\n';

class Gateway {
  async start() {
    this.process = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.authority = (await this.next()).authority;
  }
  async next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the gateway ended');
    return JSON.parse(value);
  }
  async forward(bytes) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(bytes.length);
    this.process.stdin.write(Buffer.concat([size, bytes]));
    const answer = await this.next();
    for (const stream of answer.streams) stream.forwarded = Buffer.from(stream.forwarded, 'base64');
    return answer;
  }
  stop() {
    this.process.stdin.end();
  }
}

const gateway = new Gateway();
const node = new NodeOrigin();
const nginx = new NginxOrigin();

before(async () => {
  await Promise.all([gateway.start(), node.start(), nginx.start()]);
  console.log(`framing: seed ${seed}, ${cases} connections`);
});
after(async () => {
  gateway.stop();
  node.stop();
  await nginx.stop();
});

// Methods that a server does not have are not read differently: it answers so and closes.
function knowsMethods(list, refused, knows) {
  if (!refused) return list.length;
  const first = list.findIndex((one) => !knows(one.method));
  return first < 0 ? list.length : first;
}
const knownToNode = (method) => http.METHODS.includes(method);
const knownToNginx = (method) => method !== 'TRACE';

const plain = ({ method, target, host, body }) => `${method} ${target} ${host} ${body}`;
const pathOf = (target) => {
  const bytes = target.replace(/^[a-z]+:\/\/[^/?]*/i, '').split('?')[0];
  return bytes.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
};

// What the two servers see of `bytes`, and where they differ from one another and from `ours` (when
// given). Behind whole requests comes one more, which all must see as it is.
async function compare(bytes, whole, ours) {
  const sent = whole ? Buffer.concat([bytes, Buffer.from(sentinel)]) : bytes;
  const [first, second] = await Promise.all([nginx.read(sent), node.read(sent)]);
  const expected = ours && [...ours, ...(whole ? [{ method: 'GET', target: '/the-end', host: 'the-end', body: 0 }] : [])];
  const differences = [];
  const differ = (what, a, b) => {
    const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
    if (x !== y) differences.push(`${what}: ${x} and ${y}`);
  };
  if (expected) {
    differ('we and nginx', expected.slice(0, knowsMethods(expected, first.refused === '405', knownToNginx)).map(plain), first.requests.map(plain));
    differ('we and Node', expected.slice(0, knowsMethods(expected, second.refused === 'HPE_INVALID_METHOD', knownToNode)).map(plain), second.requests.map(plain));
  } else {
    differ('nginx and Node', first.requests.map(plain), second.requests.map(plain));
  }
  // nginx takes escapes and dots out of a path; ours has none that it could.
  differ('the path', first.requests.map((one) => one.path), first.requests.map((one) => pathOf(one.target)));
  return { differences, refused: { nginx: first.refused, node: second.refused }, seen: second.requests.length };
}

async function inParallel(list, work) {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < list.length) await work(list[next++]);
  }));
}

test('nginx and Node read in what the gateway forwards the requests that it reads', async () => {
  const forwarded = [];
  let requests = 0;
  let refused = 0;
  let unread = 0;
  for (let i = 0; i < cases; ++i) {
    const bytes = connection(seed + i, gateway.authority);
    const result = await gateway.forward(bytes);
    const left = result.streams.reduce((sum, stream) => sum + stream.requests.length, 0);
    assert.ok(left <= result.intents, `seed ${seed + i}: more requests left than were intended`);
    // The agent did not speak HTTP: nobody claims to know what is in it.
    if (result.unread) unread += 1;
    else for (const stream of result.streams) forwarded.push({ of: seed + i, ...stream });
    requests += left;
    refused += / 4\d\d/.test(result.answer) ? 1 : 0;
  }
  const failures = [];
  await inParallel(forwarded, async (one) => {
    // Behind a request for an upgrade nothing is sent on the same connection.
    const upgrades = /\r\nUpgrade: websocket\r\n/.test(one.forwarded.toString('latin1'));
    const found = await compare(one.forwarded, one.unfinished === 0 && !upgrades, one.requests);
    if (found.differences.length > 0) failures.push({ ...one, ...found });
  });
  console.log(`framing: ${requests} requests were forwarded on ${forwarded.length} connections, ${refused} refused at once, ${unread} carried unread`);
  for (const failure of failures.slice(0, 10)) {
    console.log(`FRAMING_SEED=${failure.of} FRAMING_CASES=1`, failure.refused, failure.differences, failure.forwarded.toString('latin1'));
  }
  assert.equal(failures.length, 0, `${failures.length} connections are read differently; the first has seed ${failures[0]?.of}`);
  if (cases >= 1000) {
    assert.ok(requests > cases / 3, 'enough is forwarded for this to mean something');
    assert.ok(refused > cases / 10, 'and enough of it is bad');
  }
});

// Without the gateway between them the same bytes are read differently: so the test above can fail.
test('control: nginx and Node read the raw bytes differently', async () => {
  const list = Array.from({ length: Math.max(300, Math.min(cases, 1000)) }, (_, i) => seed + i);
  const kinds = { requests: 0, paths: 0, refusals: 0 };
  await inParallel(list, async (of) => {
    const found = await compare(connection(of, gateway.authority), true);
    if (found.differences.length === 0) return;
    if (found.refused.nginx || found.refused.node) kinds.refusals += 1;
    else if (found.differences.some((one) => one.startsWith('nginx'))) kinds.requests += 1;
    else kinds.paths += 1;
  });
  console.log('framing: without the gateway', kinds);
  assert.ok(kinds.requests > 0, 'other requests are seen');
  assert.ok(kinds.refusals > 0, 'one refuses what the other takes');
  assert.ok(kinds.paths > 0, 'a path means something else');
});
