// The inbox of requests that wait for a person, on the real platform: what an agent's request looks
// like, allowed once and refused, with a fresh code where it must be; what came in meanwhile; history.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

import { caBundle, root } from '../e2e/harness.mjs';
import { makeAuthority } from '../fakes/authority.mjs';
import { answerJson, createServer, describe, listen, readBody, Record } from '../fakes/listening.mjs';
import { findings, freshCode, sideways, Site, until } from './browser.mjs';

const run = promisify(execFile);
const HOSTILE = '<img src=x onerror=alert(1)>"\'&{{7*7}}';
const HOST = 'gmail.googleapis.com';
const SEND = `https://${HOST}/gmail/v1/users/me/messages/send`;
const site = new Site();
const asked = [];
let customer, authority, gmail, agent, other, placeholder, pid, bundle;

async function startMailServer(options) {
  const record = new Record();
  const web = createServer({ authority, names: [HOST] }, async (request, response) => {
    record.add(describe(request, (await readBody(request)).toString()));
    answerJson(response, 200, { id: 'sent' });
  });
  return { record, ...(await listen(web, options)) };
}

before(async () => {
  authority = makeAuthority(fs.mkdtempSync('/tmp/deployclaw-web-approvals-test-'));
  fs.chmodSync(authority.dir, 0o755);
  fs.chmodSync(authority.certFile, 0o644);
  gmail = await startMailServer({ host: '127.0.0.5', port: 443 });
  await site.start([`egress.hosts=${HOST}=127.0.0.5`, `egress.extra_roots=${authority.certFile}`, 'egress.approval_hold_seconds=170',
    'egress.approval_seconds=900', 'egress.nameservers=127.0.0.1:5399', `web.root=${path.join(root, 'web/dist')}`]);
  customer = await site.customer();
  agent = await customer.deploy('mailer', {}, { permissions: { scopes: ['email:read', 'email:send'], approval: ['email:send'] },
    credentials: [{ name: 'mailbox', kind: 'gmail', value: 'ya29.the-real-access-token-0123456789abcdef' }] });
  other = await customer.deploy('quiet one');
  for (const one of [agent, other]) assert.equal((await customer.verdict(one)).deployment.state, 'live');
  const container = await site.platform.containerOf(agent);
  pid = container.State.Pid;
  bundle = caBundle(container);
  placeholder = site.platform.sql(`SELECT placeholder FROM agent_credentials WHERE agent_id = '${agent}'`);
});
after(async () => {
  const code = await site.stop();
  await Promise.allSettled(asked);  // what still waited ends with the gateway, not after its three minutes
  assert.equal(code, 0);
  await gmail?.close();
});

beforeEach(() => clear());

const mailOf = (lines, text) => JSON.stringify({ raw: Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`).toString('base64url') });
const mail = (subject, text = 'See you at noon.') => mailOf(['From: bot@example.com', 'To: ada@example.com', 'Bcc: hidden@example.net', `Subject: ${subject}`], text);
// From inside the agent's network; answers the status that the agent got, once it has one.
function send(data, ...more) {
  const answer = run('nsenter', ['-t', String(pid), '-n', 'curl', '-sS', '-m', '200', '--cacert', bundle, '-o', '/dev/null', '-w', '%{http_code}', '-x', 'http://10.232.0.1:3128', SEND,
    '-H', `Authorization: Bearer ${placeholder}`, ...(more.length > 0 ? more : ['-H', 'Content-Type: application/json']), '--data-binary', data]).then(({ stdout }) => Number(stdout), (error) => error);
  asked.push(answer);
  return answer;
}
const sent = () => gmail.record.entries.map((entry) => entry.body);
const approvals = async (state) => (await customer.must(200, 'GET', `/api/approvals?state=${state}&limit=100`)).items;
const clear = () => site.platform.sql("UPDATE approvals SET state = 'expired', expires_at = clock_timestamp() WHERE state IN ('pending', 'granted')");
const stale = () => site.confirmed('1 hour');
const card = (page, text) => page.getByRole('region', { name: 'mailer: Send e-mail' }).filter({ hasText: text });
const nav = (page, count) => page.getByRole('link', { name: count > 0 ? `Approvals ${count} waiting` : 'Approvals', exact: true }).waitFor();

async function inbox(search = '', options = {}) {
  const page = await site.window({ ...options, customer });
  page.setDefaultTimeout(60_000);
  await page.open(`/approvals${search}`);
  await page.getByRole('heading', { name: 'Approvals', level: 1 }).waitFor();
  return page;
}

test('a request comes in live, is shown whole, and after a yes with a fresh code goes out once', async () => {
  const page = await inbox();
  await page.getByText('Nothing waits for you').waitFor();
  const answer = send(mail('Lunch'));
  const one = card(page, 'Lunch');
  await one.waitFor();
  await nav(page, 1);
  for (const text of ['bot@example.com', 'ada@example.com', 'hidden@example.net', 'See you at noon.', `POST ${SEND}`]) await one.getByText(text).first().waitFor();
  await one.getByText(/^The whole request/).click();
  await one.getByRole('region', { name: /^Body: text/ }).filter({ hasText: mail('Lunch') }).waitFor();
  await one.getByText('Authorization: Bearer [credential mailbox]').waitFor();
  assert.ok(!(await page.content()).includes(placeholder), 'no placeholder');
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(sent(), []);
  stale();
  await one.getByRole('button', { name: 'Allow once' }).click();
  await page.getByRole('dialog', { name: 'Confirm it is you' }).waitFor();
  assert.deepEqual(sent(), []);
  await page.keyboard.type(await freshCode(customer));
  await one.getByText('Allowed and sent').waitFor();
  await one.getByText(`allowed by ${customer.email}`).waitFor();
  assert.equal(await one.getByRole('button', { name: 'Allow once' }).count(), 0);
  assert.equal(await answer, 200);
  assert.deepEqual(sent(), [mail('Lunch')]);
  await nav(page, 0);
  await page.getByRole('button', { name: 'Put away 1 that is decided' }).click();
  await page.getByText('Nothing waits for you').waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a refusal is told to the agent at once, and nothing is sent', async () => {
  const before = sent().length;
  const page = await inbox();
  const answer = send(mail('No'));
  const one = card(page, 'No');
  await one.getByRole('button', { name: 'Refuse' }).click();
  await one.getByText('Refused', { exact: true }).waitFor();
  await until('the focus is on what became of it', () => page.evaluate(() => document.activeElement?.textContent.includes('Refused')), 30);
  assert.equal(await answer, 403);
  assert.equal(sent().length, before);
  await page.done();
});

test('what comes in meanwhile moves nothing and takes no focus; another person’s decision is seen', async () => {
  const page = await inbox();
  void send(mail('First'));
  const first = card(page, 'First');
  await first.getByRole('button', { name: 'Refuse' }).focus();
  const place = () => first.boundingBox().then((box) => box.y + box.height);
  const before = await place();
  void send(mail('Second'));
  const show = page.getByRole('button', { name: 'Show 1 new request' });
  await show.waitFor();
  assert.equal(await card(page, 'Second').count(), 0, 'not before it is asked for');
  assert.equal(await place(), before, 'nothing has moved');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Refuse');
  await show.click();
  await card(page, 'Second').waitFor();
  const [pending] = (await approvals('pending')).filter((one) => one.request.message.subject === 'First');
  await customer.must(200, 'POST', `/api/agents/${agent}/approvals/${pending.id}/deny`, {});
  await first.getByText('Refused', { exact: true }).waitFor();
  clear();
  await card(page, 'Second').getByText('Expired, nobody decided').waitFor();
  await page.done();
});

test('mail that is HTML alone, binary bodies and hostile text are shown as what they are', async () => {
  void send(mailOf(['To: ada@example.com', 'Subject: Page', 'Content-Type: text/html; charset=utf-8'], `<p>Pay <b>now</b></p>${HOSTILE}<script>alert(2)</script>`));
  void send(mail(HOSTILE, `${HOSTILE} \u202eevil`));
  const file = path.join(authority.dir, 'binary');
  fs.writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00, 0x01, 0x80, 0x0a, 0xc3, 0x28]));
  void send(`@${file}`, '-H', 'Content-Type: application/octet-stream');
  await until('three wait', async () => (await approvals('pending')).length === 3, 60);
  for (const look of [{}, { colorScheme: 'dark' }, { width: 390, height: 844 }]) {
    const page = await inbox('', look);
    const html = card(page, 'Pay <b>now</b>');
    await html.getByText('HTML, as source: this mail has no text of its own').waitFor();
    await html.getByText('<script>alert(2)</script>').first().waitFor();
    const hostile = card(page, 'evil').first();
    await hostile.getByText(HOSTILE).first().waitFor();
    await hostile.getByText('<U+202E>evil').first().waitFor();
    const binary = page.getByRole('region', { name: /^Body: binary, shown as hex/ });
    await binary.getByText('ff fe 00 01 80 0a c3 28').waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await sideways(page), 0);
    assert.deepEqual(page.faults, []);
    await page.done();
  }
});

test('more than a page: how many more wait is said, and all can be had', async () => {
  void send(mail('Many'));
  await until('it waits', async () => (await approvals('pending')).length === 1, 60);
  site.platform.sql(`INSERT INTO approvals (client_id, agent_id, digest, scope, target, request, request_bytes, expires_at)
    SELECT client_id, agent_id, sha256(convert_to('many ' || i, 'utf8')), scope, target, request, request_bytes, now() + interval '1 hour'
      FROM approvals, generate_series(1, 60) i WHERE state = 'pending'`);
  const page = await inbox();
  await nav(page, 61);
  await page.getByText('11 more wait.').waitFor();
  const cards = page.getByRole('region', { name: 'mailer: Send e-mail' });
  assert.equal(await cards.count(), 50);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('all are shown', async () => (await cards.count()) === 61, 60);
  await page.done();

  const quiet = await inbox(`?agent=${other}`);
  await quiet.getByText('Nothing waits for you').waitFor();
  await quiet.getByRole('combobox', { name: 'Of which agent' }).selectOption({ label: 'mailer' });
  await until('the URL says it', () => quiet.url().includes(`agent=${agent}`), 30);
  await quiet.getByText('11 more wait.').waitFor();
  await quiet.done();
});

test('the history: how each ended, by whom, when, and what it was', async () => {
  const page = await inbox();
  await page.getByRole('link', { name: 'History' }).click();
  const list = page.getByRole('list', { name: 'History' });
  await list.getByText('Expired, nobody decided').first().waitFor();
  const filters = page.getByRole('group', { name: 'Ended how' });
  await filters.getByRole('button', { name: 'Sent' }).click();
  const row = list.getByRole('listitem').filter({ hasText: 'Lunch' });
  await row.getByText('Allowed and sent').waitFor();
  await row.getByText(`allowed by ${customer.email}`).waitFor();
  await until('one was sent', async () => (await list.locator('> li').count()) === 1, 30);
  await row.locator('summary').first().click();
  await row.getByText('See you at noon.').waitFor();
  assert.match(page.url(), /tab=history/);
  assert.match(page.url(), /state=used/);
  await page.reload();
  await row.getByText('Allowed and sent').waitFor();
  await filters.getByRole('button', { name: 'Refused' }).click();
  await list.getByText(`refused by ${customer.email}`).first().waitFor();
  await until('two were refused', async () => (await list.locator('> li').count()) === 2, 30);
  assert.deepEqual(await findings(page), []);
  await filters.getByRole('button', { name: 'Allowed' }).click();
  await page.getByText('Nothing here yet').waitFor();
  assert.deepEqual(page.faults, []);
  await page.done();
});

test('a viewer sees the request and no way to decide', async () => {
  site.platform.sql(`UPDATE users SET role = 'viewer' WHERE email = '${customer.email}'`);
  try {
    void send(mail('Looked at'));
    const page = await inbox();
    const one = card(page, 'Looked at');
    await one.getByText('your role may only look').waitFor();
    assert.equal(await one.getByRole('button', { name: 'Allow once' }).count(), 0);
    await page.done();
  } finally {
    site.platform.sql(`UPDATE users SET role = 'owner' WHERE email = '${customer.email}'`);
  }
});
