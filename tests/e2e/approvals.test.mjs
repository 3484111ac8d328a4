// Requests that need a person, from inside a real agent's network: held, shown in full, and sent once
// with the real key after a yes to exactly them; never otherwise.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { answerJson, createServer, describe, listen, readBody, Record } from '../fakes/listening.mjs';
import { caBundle, Customer, Platform, sleep, until, whole } from './harness.mjs';

const run = promisify(execFile);
const TOKEN = 'ya29.the-real-access-token-0123456789abcdef';
const HOLD = 4; // seconds
const LIFETIME = 8;
const platform = new Platform();
let customer, authority, gmail, agent, placeholder, pid, bundle;

async function startMailServer(options) {
  const record = new Record();
  const web = createServer({ authority, names: ['gmail.googleapis.com'] }, async (request, response) => {
    record.add(describe(request, (await readBody(request)).toString()));
    answerJson(response, 200, { id: 'sent' });
  });
  return { record, ...(await listen(web, options)) };
}

async function within(command, ...args) {
  try {
    const { stdout, stderr } = await run('nsenter', ['-t', String(pid), '-n', command, ...args],
      { timeout: 60_000, maxBuffer: 64 << 20 });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    return { code: error.code ?? 1, out: error.stdout ?? '', err: error.stderr ?? '' };
  }
}

const SEND = 'https://gmail.googleapis.com/gmail/v1/users/me/messages/send';
const PROXY = ['-x', 'http://10.232.0.1:3128'];
const mail = (subject, text = 'See you at noon.') => JSON.stringify({ raw: Buffer.from(
  `To: ada@example.com\r\nBcc: hidden@example.net\r\nSubject: ${subject}\r\n\r\n${text}`).toString('base64url') });
// What curl got for it: {status, body}, once there is an answer.
async function send(data, ...more) {
  const answer = await within('curl', '-sS', '-m', '30', '--cacert', bundle, '-w', '\n%{http_code}', ...PROXY, SEND,
    '-H', `Authorization: Bearer ${placeholder}`, '-H', 'Content-Type: application/json', '-d', data, ...more);
  const lines = answer.out.trimEnd().split('\n');
  const text = lines.slice(0, -1).join('\n');
  let body;
  try { body = JSON.parse(text); } catch { body = undefined; }
  return { status: Number(lines.at(-1)), body, text, err: answer.err };
}
const sent = () => gmail.record.entries;

const pending = (subject) => until(`a request that waits: ${subject}`, async () => {
  const list = await customer.must(200, 'GET', '/api/approvals?state=pending');
  return list.items.find((one) => one.request?.message?.subject === subject);
}, 10);
const decide = (one, verb) => customer.must(200, 'POST', `/api/agents/${agent}/approvals/${one.id}/${verb}`, {});

async function audited(match) {
  return until('audit record', async () => {
    const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`);
    return whole(log.items).find(match);
  }, 10);
}

async function allow(permissions) {
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions });
  await sleep(1000);
}
const PERMISSIONS = { scopes: ['email:read', 'email:send'], approval: ['email:send'] };

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-approvals-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  gmail = await startMailServer({ host: '127.0.0.5', port: 443 });
  await platform.start([
    'egress.hosts=gmail.googleapis.com=127.0.0.5,smtp.example.com=127.0.0.5', `egress.extra_roots=${authority.certFile}`,
    `egress.approval_hold_seconds=${HOLD}`, `egress.approval_seconds=${LIFETIME}`, 'egress.nameservers=127.0.0.1:5399']);
  customer = await new Customer(platform).join();
  agent = await customer.deploy('mailer', {}, {
    permissions: { ...PERMISSIONS, allowedDomains: ['smtp.example.com'] },
    credentials: [{ name: 'mailbox', kind: 'gmail', value: TOKEN }] });
  assert.equal((await customer.verdict(agent)).deployment.state, 'live');
  const container = await platform.containerOf(agent);
  pid = container.State.Pid;
  bundle = caBundle(container);
  placeholder = platform.sql(`SELECT placeholder FROM agent_credentials WHERE agent_id = '${agent}'`);
});

after(async () => {
  if (agent) await customer.remove(agent);
  assert.equal(await platform.stop(), 0);
  await gmail?.close();
});

beforeEach(() => gmail.record.clear());

test('a request is held, shown in full, and goes out once with the real key after a yes', async () => {
  const answer = send(mail('Lunch'));
  const one = await pending('Lunch');
  assert.equal(sent().length, 0);
  assert.equal(one.scope, 'email:send');
  const { request, message } = one.request;
  assert.deepEqual(message.recipients.map((r) => `${r.role} ${r.address}`), ['to ada@example.com', 'bcc hidden@example.net']);
  assert.equal(message.text, 'See you at noon.');
  assert.equal(request.method, 'POST');
  assert.equal(request.url, SEND);
  assert.equal(request.body.content, mail('Lunch'));
  assert.ok(request.headers.some(([name, value]) => name === 'Authorization' && value === 'Bearer [credential mailbox]'));
  assert.equal(JSON.stringify(one).includes(placeholder), false);
  assert.equal(JSON.stringify(one).includes(TOKEN), false);
  await decide(one, 'grant');
  assert.deepEqual(await answer.then(({ status, body }) => ({ status, body })), { status: 200, body: { id: 'sent' } });
  assert.equal(sent().length, 1);
  assert.equal(sent()[0].headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(sent()[0].body, mail('Lunch'));
  const record = await audited((e) => e.actionType === 'email_sent' && e.outcome === 'success');
  assert.equal(record.metadata.approvalId, one.id);
  for (const [type, actor] of [['approval_requested', 'agent'], ['approval_granted', 'user'], ['approval_used', 'agent']]) {
    const told = await audited((e) => e.actionType === type && e.metadata.approvalId === one.id);
    assert.equal(told.actor.type, actor);
  }
});

test('the same once more, or one byte changed, needs another yes', async () => {
  const first = send(mail('Once'));
  const one = await pending('Once');
  await decide(one, 'grant');
  assert.equal((await first).status, 200);
  const again = await send(mail('Once'));
  assert.equal(again.status, 202, again.text);
  assert.notEqual(again.body.approvalId, one.id);
  const other = send(mail('Twice'));
  const two = await pending('Twice');
  const bent = send(mail('Twicf'));
  await pending('Twicf');
  await decide(two, 'grant');
  assert.equal((await other).status, 200);
  assert.equal((await bent).status, 202);
  assert.deepEqual(sent().map((r) => r.body), [mail('Once'), mail('Twice')]);
});

test('who waits too long gets 202, and the same request sent again goes out when it is granted', async () => {
  const held = await send(mail('Slow'));
  assert.equal(held.status, 202);
  assert.equal(held.body.code, 'approval_pending');
  assert.ok(held.body.retryAfter > 0);
  const one = await pending('Slow');
  assert.equal(held.body.approvalId, one.id);
  assert.equal(held.body.expiresAt.slice(0, 19), one.expiresAt.slice(0, 19));
  await decide(one, 'grant');
  assert.equal(sent().length, 0, 'a yes alone sends nothing');
  assert.equal((await send(mail('Slow'), '-H', 'User-Agent: another')).status, 200);
  assert.equal((await send(mail('Slow'))).status, 202, 'and once only');
  assert.equal(sent().length, 1);
});

test('a no is told at once', async () => {
  const answer = send(mail('No'));
  await decide(await pending('No'), 'deny');
  const { status, body } = await answer;
  assert.equal(status, 403);
  assert.equal(body.code, 'approval_denied');
  assert.equal((await send(mail('No'))).body.code, 'approval_denied', 'and lasts');
  assert.equal(sent().length, 0);
  await audited((e) => e.outcome === 'denied' && e.metadata.reason === 'approval_denied');
});

test('what nobody decides expires, and so does a grant that nobody uses', async () => {
  const held = await send(mail('Old'));
  const one = await pending('Old');
  await until('the first is over', async () => (await customer.must(200, 'GET',
    `/api/agents/${agent}/approvals/${one.id}`)).approval.state === 'expired', LIFETIME + 5);
  assert.equal((await customer.call('POST', `/api/agents/${agent}/approvals/${one.id}/grant`, {})).status, 409);
  const again = await send(mail('Old'));
  assert.equal(again.status, 202);
  assert.notEqual(again.body.approvalId, held.body.approvalId);
  const two = await pending('Old');
  await decide(two, 'grant');
  await until('the grant is over', async () => (await customer.must(200, 'GET',
    `/api/agents/${agent}/approvals/${two.id}`)).approval.state === 'expired', LIFETIME + 5);
  assert.equal((await send(mail('Old'))).status, 202);
  assert.equal(sent().length, 0);
});

test('of two identical requests at once one grant lets one through', async () => {
  const both = [send(mail('Pair')), send(mail('Pair'))];
  const one = await pending('Pair');
  await sleep(700); // so that both are held
  await decide(one, 'grant');
  const statuses = (await Promise.all(both)).map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, 202]);
  assert.equal(sent().length, 1);
});

test('an agent that hangs up has nothing sent for it; the row waits for it to come back', async () => {
  const gone = await send(mail('Gone'), '-m', '1');
  assert.notEqual(gone.status, 200);
  await sleep(2000);
  await decide(await pending('Gone'), 'grant');
  await sleep(1000);
  assert.equal(sent().length, 0);
  assert.equal((await send(mail('Gone'))).status, 200);
});

test('egress that is killed while it holds sends nothing, and the grant is good for one afterwards', async () => {
  const broken = send(mail('Killed'));
  const one = await pending('Killed');
  process.kill(platform.pid('egress'), 'SIGKILL');
  assert.notEqual((await broken).status, 200);
  await decide(one, 'grant');
  const answer = await until('egress is back', async () => {
    const next = await send(mail('Killed'));
    return [200, 202].includes(next.status) && next;
  }, 30);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(sent().length, 1);
});

test('a policy that takes the scope away ends the wait', async () => {
  const answer = send(mail('Lost'));
  await pending('Lost');
  await customer.must(202, 'PATCH', `/api/agents/${agent}`, { permissions: { scopes: ['email:read'] } });
  const { status, body } = await answer;
  assert.equal(status, 403);
  assert.equal(body.code, 'egress_denied');
  assert.equal(body.missingScope, 'email:send');
  await allow({ ...PERMISSIONS, allowedDomains: ['smtp.example.com'] });
});

test('what cannot be shown whole is refused: more than 1 MiB, mail over SMTP', async () => {
  const large = await within('sh', '-c', `head -c 1100000 /dev/zero | tr '\\0' x | curl -sS -m 30 --cacert ${bundle} -w '\\n%{http_code}' \
    ${PROXY.join(' ')} ${SEND} -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary @-`);
  assert.match(large.out, /approval_too_large/);
  assert.match(large.out, /413$/);
  const tunnel = await within('curl', '-sS', '-m', '5', ...PROXY, '-p', 'telnet://smtp.example.com:587');
  assert.notEqual(tunnel.code, 0);
  await audited((e) => e.outcome === 'denied' && e.metadata.layer === 'approval' && e.target === 'smtp.example.com:587');
  assert.equal(sent().length, 0);
});

test('only a person with a fresh second factor decides', async () => {
  const held = send(mail('Guarded'));
  const one = await pending('Guarded');
  const target = `/api/agents/${agent}/approvals/${one.id}/grant`;
  platform.sql(`UPDATE sessions SET second_factor_at = now() - interval '11 minutes'`);
  const stale = await customer.call('POST', target, {});
  assert.equal(stale.status, 403);
  assert.equal(stale.body.code, 'two_factor_required');
  const cookie = customer.cookie;
  customer.cookie = undefined;
  const key = await customer.call('POST', target, {}, { authorization: 'Bearer dck_0123456789abcdefghijklmnopqrstuvwxyz' });
  customer.cookie = cookie;
  assert.ok([401, 403].includes(key.status), `a key: ${key.text}`);
  const stranger = await new Customer(platform).join();
  assert.equal((await stranger.call('POST', target, {})).status, 404);
  assert.deepEqual((await stranger.must(200, 'GET', '/api/approvals')).items, []);
  assert.equal((await held).status, 202);
  assert.equal(sent().length, 0);
});

test('the agent cannot hide what it asks for', async () => {
  const answer = send(mail('Pay \u202eevil\u202c now', 'one\u200btwo\u001b[2J'));
  const one = await pending('Pay <U+202E>evil<U+202C> now');
  assert.equal(one.request.message.text, 'one<U+200B>two<U+001B>[2J');
  await decide(one, 'deny');
  assert.equal((await answer).status, 403);
});
