// The ways in which people use a page, and a flow that is written once and walked in each of them:
//
//   keyboard   everything is found with Tab and Shift+Tab, the focus is seen, and it is never lost
//   finger     390 px wide and dark: nothing sticks out, what is touched is large enough, taps only
//   slow       every answer takes its time, every order is pressed twice and must be sent once, and
//              something says that it is under way
//   failing    every call fails the first time: the page says so in words, keeps what was typed, and
//              trying again works
//
//   everyWay([{ name: 'rename an agent', walk: async (walk) => {
//     await walk.open('/agents/…/settings');
//     await walk.type(walk.page.getByLabel('Name'), 'Inbox helper');
//     await walk.order(walk.page.getByRole('button', { name: 'Save' }), 'PATCH');
//     await walk.sees(walk.page.getByRole('heading', { name: 'Inbox helper' }));
//   } }], (options) => site.window({ customer, ...options }));
//
// One window a way serves all flows of a file.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { sleep, until } from '../e2e/harness.mjs';
import { sideways } from './window.mjs';

const WAYS = ['keyboard', 'finger', 'slow', 'failing'];

const WINDOW = { finger: { width: 390, height: 780, colorScheme: 'dark', hasTouch: true } };
const SLOW_MS = 120;
const LEAST_TARGET = 24;  // CSS pixels: WCAG 2.2, 2.5.8
const MOST_TABS = 90;
const READING = ['GET', 'HEAD'];
// Not 503: the pages try that again by themselves, which takes seconds.
const TROUBLE = { status: 500, contentType: 'application/problem+json', body: JSON.stringify({ type: '/problems/internal', title: 'Internal error', status: 500, code: 'internal', detail: 'The server had trouble, on purpose.', requestId: 'r-on-purpose' }) };

const pathOf = (request) => new URL(request.url()).pathname;
const visible = (locator) => locator.filter({ visible: true });
export const button = (place, name) => place.getByRole('button', { name, exact: true });

class Walk {
  constructor(page, way) {
    this.page = page;
    this.way = way;
  }

  // What is between this window and the server.
  async start() {
    this.forget();
    await this.page.route('**/api/**', async (route) => {
      const request = route.request();
      if (pathOf(request) === '/api/events') return route.continue().catch(() => {});
      if (!READING.includes(request.method())) this.orders.push(`${request.method()} ${pathOf(request)}`);
      if (this.way === 'failing' && this.#failsNow(request)) return route.fulfill(TROUBLE).catch(() => {});
      if (this.way === 'slow') await Promise.all([sleep(SLOW_MS), READING.includes(request.method()) ? null : this.held]);
      // The page may have gone on.
      return route.continue().catch(() => {});
    });
    return this;
  }

  // A new flow: every call may fail anew, and the keyboard has not been touched.
  forget() {
    this.failed = new Set();
    this.orders = [];
    this.held = null;
    this.began = false;
    this.page.faults.length = 0;
  }

  #failsNow(request) {
    const call = `${request.method()} ${pathOf(request)}`;
    if (this.failed.has(call)) return false;
    this.failed.add(call);
    return true;
  }

  async open(address) {
    await this.page.open(address);
  }

  // Waits until it is there; where calls fail, by trying again as the page offers it.
  async sees(locator) {
    const wanted = visible(locator).first();
    if (this.way === 'failing') {
      await until(`${locator} where calls fail`, async () => {
        if (await wanted.isVisible()) return true;
        // What lies behind a dialog cannot be pressed.
        const place = (await this.page.locator('dialog[open]').count()) > 0 ? this.page.locator('dialog[open]').last() : this.page;
        const again = visible(button(place, 'Try again')).first();
        if (await again.isVisible()) {
          const words = await again.evaluate((element) => element.closest('[role=alert], .notice, main').innerText);
          assert.match(words, /\w+ \w+/, 'says what is wrong');
          await again.click({ timeout: 2_000 }).catch(() => {});
        }
        return wanted.isVisible();
      }, 45);
    } else {
      await wanted.waitFor({ timeout: 90_000 });
    }
    if (this.way === 'finger') assert.equal(await sideways(this.page), 0, `something sticks out where ${locator} is`);
    if (this.way === 'keyboard') await this.keepsFocus();
    return wanted;
  }

  // The keyboard's place in the page is somewhere: not on its body, as it is when what had it is gone.
  async keepsFocus() {
    if (!this.began) return;
    await until('the focus is kept', () => this.page.evaluate(() => document.activeElement !== null && document.activeElement !== document.body), 3);
  }

  // Presses a button, a link or a tab, chooses a radio button, turns a checkbox around.
  async press(locator, { twice = false } = {}) {
    const target = await this.sees(locator);
    if (this.way === 'keyboard') {
      await this.#tabTo(target);
      const [tag, type, checked] = await target.evaluate((element) => [element.tagName, element.type, element.checked]);
      if (type === 'radio') return checked ? undefined : this.page.keyboard.press('Space');
      return this.page.keyboard.press(type === 'checkbox' || tag === 'SUMMARY' ? 'Space' : 'Enter');
    }
    if (this.way === 'finger') {
      await this.#isLargeEnough(target);
      return target.tap();
    }
    // Two presses as fast as a browser takes them, as an impatient hand does.
    return twice ? target.dblclick({ delay: 0 }) : target.click();
  }

  async type(locator, text) {
    const field = await this.sees(locator);
    if (this.way !== 'keyboard') {
      if (this.way === 'finger') await this.#isLargeEnough(field);
      return field.fill(text);
    }
    await this.#tabTo(field);
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.press('Delete');
    return this.page.keyboard.type(text);
  }

  // An option of a select, by the words that it begins with.
  async select(locator, words) {
    await this.sees(locator);
    const option = locator.locator('option').filter({ hasText: new RegExp(`^${words}`) }).first();
    for (const end = Date.now() + 30_000; (await option.count()) === 0 && Date.now() < end; await sleep(50)) {
      // Where the options come from may have failed.
      if (this.way === 'failing') await this.sees(button(this.page, 'Try again').or(option)).then((one) => one.click({ timeout: 1_000 })).catch(() => {});
    }
    const field = visible(locator).first();
    if (this.way === 'keyboard') {
      await this.#tabTo(field);
      // Typing chooses in a select that has the focus.
      await this.page.keyboard.type(words);
      await until(`${words} is chosen`, () => field.evaluate((element) => element.selectedOptions[0]?.textContent).then((text) => text?.startsWith(words)), 3);
      return;
    }
    if (this.way === 'finger') await this.#isLargeEnough(field);
    await field.selectOption(await option.getAttribute('value'));
  }

  // Presses what sends something that changes the server: `call` begins as 'PATCH' or 'POST /api/agents/…'.
  // It is sent once, whatever the hand does; when it fails the page says so and pressing again works. `by`
  // and `again`: what sends it the first and the second time, where that is not the pressing itself.
  async order(locator, call, { again, by = () => this.press(locator, { twice: this.way === 'slow' }), says = visible(this.page.getByRole('alert').or(this.page.locator('.toast-bad, .notice-bad, .field-error'))) } = {}) {
    const before = this.#ordersOf(call).length;
    const failed = this.failed.size;
    let release = () => {};
    if (this.way === 'slow') this.held = new Promise((done) => { release = done; });
    await by();
    await until(`${call} is sent`, () => this.#ordersOf(call).length > before, 15);
    if (this.way === 'slow') {
      await visible(this.page.locator('[aria-busy=true], .spinner')).first().waitFor({ timeout: 10_000 });
      await sleep(60);
      release();
      this.held = null;
      assert.equal(this.#ordersOf(call).length, before + 1, `${call} pressed twice is sent once`);
    }
    if (this.way !== 'failing' || this.failed.size === failed || !this.failed.has(this.#ordersOf(call).at(-1))) return;
    await says.first().waitFor();
    assert.match(await says.first().innerText(), /\w+ \w+/, `says that ${call} failed`);
    if (again) await again();
    else if (await visible(locator).first().isVisible()) await this.press(locator);
    else await this.press(button(this.page, 'Try again'));
    await until(`${call} is sent again`, () => this.#ordersOf(call).length > before + 1, 15);
  }

  #ordersOf(call) {
    return this.orders.filter((one) => one.startsWith(call));
  }

  // To a control with Tab alone; what has the focus is seen to have it.
  async #tabTo(target) {
    this.began = true;
    const reached = () => target.evaluate((element) => {
      const { activeElement } = document;
      // Of radio buttons Tab reaches the one that is chosen, or any when none is; arrows go on from there.
      return element === activeElement || (element.type === 'radio' && activeElement?.type === 'radio' && element.name === activeElement.name);
    }).catch(() => false);
    const place = await target.evaluate((element) => (document.activeElement && document.activeElement !== document.body
      ? document.activeElement.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING : 0));
    const key = place ? 'Shift+Tab' : 'Tab';
    for (let presses = 0; !(await reached()); presses += 1) {
      assert.ok(presses < MOST_TABS, `${target} is not reached with ${key}`);
      await this.page.keyboard.press(key);
    }
    if (await target.evaluate((element) => element !== document.activeElement)) await this.#arrowTo(target);
    assert.ok(await isSeenFocused(target), `${target}: nothing shows that it has the focus`);
  }

  async #arrowTo(target) {
    for (let presses = 0; await target.evaluate((element) => element !== document.activeElement); presses += 1) {
      assert.ok(presses < 20, `${target} is not reached with arrow keys`);
      await this.page.keyboard.press('ArrowDown');
    }
  }

  // The whole label of a field counts; links in the run of a text are as high as its lines.
  async #isLargeEnough(target) {
    const { width, height, inText } = await target.evaluate((element) => {
      const whole = element.labels?.[0]?.contains(element) ? element.labels[0] : element;
      const { width, height } = whole.getBoundingClientRect();
      return { width, height, inText: getComputedStyle(element).display === 'inline' || element.classList.contains('button-link') };
    });
    assert.ok(inText || Math.min(width, height) >= LEAST_TARGET - 0.5, `${target} is ${width} by ${height} pixels: too small for a finger`);
  }
}

// The outline that it, or the card around it, has with the focus alone.
const isSeenFocused = (target) => target.evaluate((element) => [element, element.closest('.choice')].some((one) => {
  if (!one) return false;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
}));

/**
 * A test for each flow and way. A flow is {name, walk, given, holds}: `given()` prepares the server before
 * each walk, `walk(walk, known)` has what that answered, and so has `holds(known)`, which looks at the server
 * after it. `windowFor(options)` opens a window.
 */
export function everyWay(flows, windowFor) {
  const walks = new Map();
  const walkOf = async (way) => {
    if (!walks.has(way)) walks.set(way, await new Walk(await windowFor(WINDOW[way] ?? {}), way).start());
    return walks.get(way);
  };
  after(async () => { for (const { page } of walks.values()) await page.done().catch(() => {}); });
  for (const flow of flows) {
    for (const way of WAYS) {
      test(`${flow.name}: ${way}`, async () => {
        const known = await flow.given?.();
        const walk = await walkOf(way);
        walk.forget();
        try {
          await flow.walk(walk, known);
          assert.deepEqual(walk.page.faults, []);
          if (way === 'failing') assert.ok(walk.failed.size > 0, 'something failed');
          await flow.holds?.(known);
        } catch (error) {
          const seen = await walk.page.locator('main, dialog[open]').last().innerText().catch(() => '');
          error.message += `\nat ${walk.page.url()}, orders ${JSON.stringify(walk.orders)}, shown:\n${seen.slice(0, 1500)}`;
          // The next flow begins with a window of its own.
          await walk.page.done().catch(() => {});
          walks.delete(way);
          throw error;
        }
      });
    }
  }
}
