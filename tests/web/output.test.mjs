// The tab of an agent's output before a played API: followed, searched, narrowed, saved; through cut
// streams and paused tabs; with everything that a terminal would obey.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness.mjs';
import { AGENT, tellAgent } from './agent_data.mjs';
import { end, findings, Played, saved, sideways } from './played.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';
const PATH = '/api/agents/:id/output';
const played = new Played();
let state;
let written;
let followers;
let start;

before(() => played.start());
after(() => played.stop());
beforeEach(() => {
  played.reset();
  state = tellAgent(played);
  written = [];
  followers = new Set();
  start = Date.now() - 7_200_000;
  // As the real server: the newest lines, and a stream of what comes behind a line.
  played.on('GET', PATH, ({ query, headers, response }) => {
    if (!query.follow) return { items: written.filter((one) => !query.since || one.at >= query.since).slice(-Number(query.tail)), nextCursor: null };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    followers.add(response);
    response.on('close', () => followers.delete(response));
    for (const one of written.filter(({ seq }) => seq > Number(headers['last-event-id'] ?? 0))) tell(response, one);
    response.write(': hello\n\n');
    return undefined;
  });
});

const tell = (response, one) => response.write(`id: ${one.seq}\nevent: line\ndata: ${JSON.stringify(one)}\n\n`);
// The agent prints; each line is a second after the one before, unless it says when.
function print(lines, { stream = 'stdout', at } = {}) {
  for (const line of [lines].flat()) {
    const one = { seq: written.length + 1, at: new Date(at ?? start + written.length * 1000).toISOString(), stream, line };
    written.push(one);
    for (const response of followers) tell(response, one);
  }
}
const asked = (follow) => played.callsOf('GET', PATH).filter(({ query }) => Boolean(query.follow) === follow);
const tab = (query = '', options) => played.open(`/agents/${AGENT}/output${query}`, options);
const live = (page) => page.getByText('Live', { exact: true }).waitFor();
const log = (page) => page.getByRole('log', { name: 'Output of the agent' });
const lines = (page) => log(page).locator('.output-text');
const texts = (page) => lines(page).allTextContents();
async function shows(page, wanted, why) {
  await until(why ?? 'the lines', async () => JSON.stringify(await texts(page)) === JSON.stringify(wanted), 30)
    .catch(async () => assert.deepEqual(await texts(page), wanted, why));
}
const atEnd = (page) => log(page).evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 40);

test('what it prints appears as it happens, at the end of what is seen; scrolled up it stays where one reads', async () => {
  print(Array.from({ length: 200 }, (_, index) => `line ${index + 1}`));
  const page = await tab();
  await live(page);
  await log(page).getByText('line 200', { exact: true }).waitFor();
  await until('the newest line is seen', () => atEnd(page));
  print('now 1');
  await log(page).getByText('now 1', { exact: true }).waitFor();
  await until('and so is the next one', () => atEnd(page));
  await log(page).evaluate((box) => { box.scrollTop = 0; });
  const back = page.getByRole('button', { name: 'To the newest line' });
  await back.waitFor();
  print('now 2');
  await page.getByText('202 lines').waitFor();
  assert.equal(await log(page).evaluate((box) => box.scrollTop), 0, 'it does not jump');
  await back.click();
  await until('the newest line is seen again', () => atEnd(page));
  assert.equal(asked(false).length, 1);
  assert.equal(asked(true).at(-1).headers['last-event-id'], '200');
  await end(page);
});

test('without following nothing is asked for; following again has what came meanwhile', async () => {
  print('first');
  const page = await tab();
  await live(page);
  await page.getByLabel('Follow').uncheck();
  await page.getByText('Not following').waitFor();
  await until('the stream is closed', () => followers.size === 0);
  print('unseen');
  await shows(page, ['first']);
  await page.getByLabel('Follow').check();
  await shows(page, ['first', 'unseen']);
  print('seen');
  await shows(page, ['first', 'unseen', 'seen']);
  await end(page);
});

test('search and level narrow it, are in the address, and what is found is marked', async () => {
  print(['GET /a 200', 'WARN slow answer', 'ERROR no answer from /a', `${HOSTILE} done`]);
  const page = await tab();
  await live(page);
  await page.getByRole('group', { name: 'Level' }).getByRole('button', { name: 'Warnings' }).click();
  await shows(page, ['WARN slow answer', 'ERROR no answer from /a']);
  await page.getByRole('group', { name: 'Level' }).getByRole('button', { name: 'Errors' }).click();
  await shows(page, ['ERROR no answer from /a']);
  await page.getByRole('group', { name: 'Level' }).getByRole('button', { name: 'All' }).click();
  await page.getByLabel('Search the output').fill('get /A');
  await shows(page, ['GET /a 200'], 'whatever the case');
  assert.equal(await lines(page).locator('mark').innerText(), 'GET /a');
  print('GET /another');
  await shows(page, ['GET /a 200', 'GET /another'], 'what comes is searched too');
  await page.getByText('2 of 5 lines').waitFor();
  await page.getByLabel('Search the output').fill('onerror');
  await shows(page, [`${HOSTILE} done`]);
  await page.getByRole('group', { name: 'Level' }).getByRole('button', { name: 'Errors' }).click();
  await page.getByText('No line fits').waitFor();
  assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { q: 'onerror', level: 'error' });
  await page.reload();
  await page.getByText('No line fits').waitFor();
  assert.equal(await page.getByLabel('Search the output').inputValue(), 'onerror');
  await page.getByRole('button', { name: 'Show all' }).click();
  await until('all of it', async () => (await texts(page)).length === 5);
  assert.equal(new URL(page.url()).search, '');
  await end(page);
});

test('the last hour holds nothing older, also when nothing was written since and the stream begins at the first line', async () => {
  print(['long ago', 'also long ago']);
  const page = await tab('?since=1h');
  await live(page);
  await page.getByText('No line fits').waitFor();
  assert.equal(Date.parse(asked(false)[0].query.since) > Date.now() - 3_700_000, true);
  print('just now', { at: Date.now() });
  await shows(page, ['just now']);
  await page.getByLabel('Time', { exact: true }).selectOption('24h');
  await shows(page, ['long ago', 'also long ago', 'just now']);
  await end(page);
});

test('a time from … to … holds what was written then, in the person’s own time, and does not go on', async () => {
  const day = Date.UTC(2026, 2, 1, 3, 0);
  for (const minute of [0, 10, 20, 30]) print(`at 12:${String(minute).padStart(2, '0')}`, { at: day + minute * 60_000 });
  const page = await tab('', { timezoneId: 'Asia/Tokyo' });
  await live(page);
  await page.getByLabel('Time', { exact: true }).selectOption('own');
  await page.getByLabel('From (your time)').fill('2026-03-01T12:10');
  await shows(page, ['at 12:10', 'at 12:20', 'at 12:30']);
  await page.getByLabel('To', { exact: true }).fill('2026-03-01T12:30');
  await shows(page, ['at 12:10', 'at 12:20']);
  await until('the stream is closed', () => followers.size === 0);
  assert.equal(asked(false).at(-1).query.since, '2026-03-01T03:10:00.000Z');
  await page.reload();
  await shows(page, ['at 12:10', 'at 12:20'], 'the address has it');
  await page.getByLabel('Time', { exact: true }).selectOption('');
  await until('all of it', async () => (await texts(page)).length === 4);
  await live(page);
  await end(page);
});

test('the download holds the lines that are shown, as text, with when and where', async () => {
  print(['\u001b[31mERROR\u001b[0m one', 'two']);
  print('ERROR three', { stream: 'stderr' });
  const page = await tab('?level=error');
  await shows(page, ['ERROR one', 'ERROR three']);
  const file = await saved(page, () => page.getByRole('button', { name: 'Download' }).click());
  assert.equal(file.name, 'Inbox-assistant.log');
  assert.equal(file.text, `${written[0].at} stdout ERROR one\n${written[2].at} stderr ERROR three\n`);
  await end(page);
});

test('a view that was cleared says so, shows what comes, and can be filled again', async () => {
  print(['one', 'two']);
  const page = await tab();
  await live(page);
  await page.getByRole('button', { name: 'Clear the view' }).click();
  await page.getByText('You cleared the view.').waitFor();
  assert.equal(await page.getByText('It has not written anything yet').count(), 0);
  print('three');
  await shows(page, ['three']);
  await page.getByRole('button', { name: 'Clear the view' }).click();
  await page.getByRole('button', { name: 'Show what was there' }).click();
  await shows(page, ['one', 'two', 'three']);
  await end(page);
});

test('a stream that is cut goes on behind the last line: none is lost, none comes twice', async () => {
  print(['one', 'two']);
  const page = await tab();
  await live(page);
  print('three');
  await shows(page, ['one', 'two', 'three']);
  const undo = played.fail('GET', PATH, 503);
  for (const response of followers) response.destroy();
  await page.getByText('Reconnecting').waitFor();
  print(['four', 'five']);
  undo();
  await shows(page, ['one', 'two', 'three', 'four', 'five']);
  assert.equal(asked(true).at(-1).headers['last-event-id'], '3');
  await live(page);
  await end(page);
});

test('a tab that was paused, its stream cut meanwhile, has everything when it is shown again', async () => {
  print('one');
  const page = await tab();
  await live(page);
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  print('while it was frozen');
  for (const response of followers) response.destroy();
  print(Array.from({ length: 500 }, (_, index) => `burst ${index + 1}`));
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  await page.getByText('502 lines').waitFor();
  await log(page).getByText('burst 500', { exact: true }).waitFor();
  print('afterwards');
  await page.getByText('503 lines').waitFor();
  assert.equal(asked(false).length, 1, 'nothing is fetched again');
  await end(page);
});

test('colours are shown; what would do more than that is dropped or spelt out', async () => {
  print([
    '\u001b[1;31mred and bold\u001b[0m plain', `\u001b]8;;https://evil.example/\u0007click\u001b]8;;\u0007`, '\u001b]0;another title\u0007kept', '\u001b[2J\u001b[Hcleared',
    '10 %\r50 %\r100 %', 'user\u202etxt.exe', `\u001b[32m${HOSTILE}\u001b[0m`, `<script>alert(1)</script>`, '\u001b[38;5;1mred of 256\u001b[m', 'cut off \u001b[3',
  ]);
  const page = await tab();
  await shows(page, ['red and bold plain', 'click', 'kept', 'cleared', '100 %', 'user<U+202E>txt.exe', HOSTILE, '<script>alert(1)</script>', 'red of 256', 'cut off ']);
  const red = lines(page).nth(0).locator('span').first();
  assert.equal(await red.innerText(), 'red and bold');
  assert.deepEqual((await red.getAttribute('class')).split(' ').sort(), ['ansi-1', 'ansi-bold']);
  assert.equal(await lines(page).nth(6).locator('span').getAttribute('class'), 'ansi-2');
  assert.equal(await lines(page).nth(8).locator('span').getAttribute('class'), 'ansi-1');
  assert.equal(await log(page).locator('a, img, script').count(), 0);
  assert.match(await page.title(), /Inbox assistant/);
  await end(page);
});

test('search and level look at the words, wherever colours begin and end in them', async () => {
  print(['\u001b[31mER\u001b[1mROR\u001b[0m at \u001b[4mthe\u001b[0m door', '\u001b[33mWARN\u001b[0m slow', 'number 31m']);
  const page = await tab('?level=error');
  await shows(page, ['ERROR at the door']);
  await page.getByRole('group', { name: 'Level' }).getByRole('button', { name: 'All' }).click();
  await page.getByLabel('Search the output').fill('error at the');
  await shows(page, ['ERROR at the door']);
  assert.equal(await lines(page).locator('mark').innerText(), 'ERROR at the');
  await page.getByLabel('Search the output').fill('31m');
  await shows(page, ['number 31m'], 'codes are not words');
  await end(page);
});

// Beside the server, which lets nothing of this through but looks.
test('hostile sequences: a look is a class of ours or nothing, and no character of control is drawn', async () => {
  print([
    '\u001b[>4;2mkeys', '\u001b[?1049halternate', '\u001b[<35;1;1Mmouse', '\u001b[1 mspace', '\u001bP1$r0m\u001b\\string', '\u001b]11;?\u0007colour', '\u001b[6nwhere',
    '\u001b[38;5;1;url(x)mtext', '\u001b[38;2;1;2;3mtrue', '\u001b[38;5mshort', '\u001b[48;5;999mfar', '\u001b[8mhidden', '\u001b[5mblink', '\u009b31mlone', 'a\u0000b\u0085c',
    `\u001b[${'31;'.repeat(2000)}4mlong`, `\u001b[${'9'.repeat(3000)}mhuge`, `${'\u001b[31m\u001b[0m'.repeat(800)}many`, `${'\u001b['.repeat(2000)}open`,
  ]);
  const page = await tab();
  await shows(page, ['keys', 'alternate', 'mouse', 'space', 'string', 'colour', 'where', 'rl(x)mtext', 'true', 'short', 'far', 'hidden', 'blink', 'lone', 'a<U+0000>b<U+0085>c', 'long', 'huge', 'many', 'pen']);
  const classes = await log(page).locator('.output-text span').evaluateAll((all) => all.flatMap((one) => [...one.classList]));
  assert.deepEqual([...new Set(classes)].sort(), ['ansi-1', 'ansi-underline']);
  assert.equal(await log(page).locator('[style], a, img, script').count(), 0);
  await end(page);
});

test('a server that fails says so and can be tried again; a dead agent’s lines are still there', async () => {
  print('last words');
  state.elsewhere({ status: 'stopped', desiredState: 'stopped' });
  const undo = played.fail('GET', PATH, 500);
  const page = await tab();
  const failed = page.getByRole('alert').filter({ hasText: 'The output could not be loaded' });
  await failed.waitFor();
  undo();
  await failed.getByRole('button', { name: 'Try again' }).click();
  await shows(page, ['last words']);
  await page.getByText('It does not run now. This is what it wrote before.').waitFor();
  await end(page);
});

for (const options of [{ width: 390, height: 844, colorScheme: 'dark' }, { colorScheme: 'light' }]) {
  test(`every colour and a long line, ${options.width ?? 1200} px wide: nothing sticks out, axe finds nothing`, async () => {
    print([...Array.from({ length: 16 }, (_, code) => `\u001b[${code < 8 ? 30 + code : 82 + code}mcolour ${code}\u001b[0m \u001b[${40 + (code % 8)}mmarked\u001b[0m \u001b[2mdim`), 'v'.repeat(3000), 'WARN careful', 'ERROR \u001b[33myellow in red']);
    const page = await tab('?since=24h', options);
    await page.getByLabel('Time', { exact: true }).selectOption('own');
    await page.getByLabel('To', { exact: true }).waitFor();
    await page.getByLabel('From (your time)').fill('2026-01-01T00:00');
    await until('all of it', async () => (await texts(page)).length === 19);
    assert.deepEqual(await findings(page), []);
    assert.equal(await sideways(page), 0);
    await end(page);
  });
}
