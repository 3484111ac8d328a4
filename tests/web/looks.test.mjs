// How pages look in the states of states.mjs: nothing sticks out, axe finds nothing, one action is the
// chief one; a health check reads as yes or no, ids are not shown to readers, controls stay in line.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { findings, Played, sideways } from './played.mjs';
import { openState, states } from './states.mjs';

const played = new Played();
before(() => played.start());
after(() => played.stop());

const opened = (name, options) => openState(played, states.find((one) => one.name === name), options);

for (const look of [{ width: 1200 }, { width: 390, colorScheme: 'dark' }]) {
  test(`every state, ${look.width} px wide: nothing sticks out, one chief action, axe finds nothing`, async () => {
    for (const { name } of states) {
      const page = await opened(name, look);
      assert.equal(await sideways(page), 0, `${name} sticks out`);
      const chief = await page.evaluate(() => {
        const top = document.querySelector('dialog[open]') ?? document.querySelector('main') ?? document.body;
        return [...top.querySelectorAll('.button-primary')].filter((one) => one.checkVisibility() && !one.disabled).map((one) => one.textContent);
      });
      assert.ok(chief.length <= 1, `${name} has several chief actions: ${chief.join(', ')}`);
      assert.deepEqual(await findings(page), [], name);
      await page.done();
    }
  });
}

test('a check that passes is a yes without technical words, one that fails says what came', async () => {
  const page = await opened('agent-failing');
  const checks = page.locator('.checks li');
  assert.match(await checks.nth(0).innerText(), /Process answers\s+Yes/);
  assert.doesNotMatch(await checks.nth(0).innerText(), /healthz/);
  assert.match(await checks.nth(1).innerText(), /Ready to work\s+No\s+\/readyz answered 503/);
  await page.done();
});

test('the line of a record has no id, its details do', async () => {
  const page = await opened('audit-open');
  const line = page.locator('.entry-line').first();
  assert.doesNotMatch(await line.innerText(), /00000000-0000/);
  await line.click();
  await page.getByText('00000000-0000-4000-9000-000000000001').first().waitFor();
  await page.done();
});

test('the controls of the log are one line at 1200 pixels', async () => {
  const page = await opened('audit-open');
  const tops = await page.locator('.audit-filters > *').evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).filter(({ height }) => height > 0).map(({ top, height }) => top + height / 2));
  assert.ok(Math.max(...tops) - Math.min(...tops) < 3, tops.join());
  await page.done();
});

test('every list to choose from has its arrow', async () => {
  for (const [name, options] of [['agents-many', { width: 390 }], ['approvals-waiting', {}], ['audit-open', {}]]) {
    const page = await opened(name, options);
    const bare = await page.locator('select').evaluateAll((all) => all.filter((one) => one.checkVisibility() && !one.parentElement.querySelector('svg')).length);
    assert.equal(bare, 0, name);
    await page.done();
  }
});
