// The walk of somebody who has never seen it: from an empty browser to a live agent, with the pages
// alone, before the real platform. A picture of each step, and what the step asks of the person.

import { freshCode, PASSWORD, someEmail } from './browser.mjs';

const KEY = 'sk-test-abcdefghijklmnopqrstuvwxyz0123';
const TOKEN = '7123456789:AArealTelegramToken_abcdefghijklmnop';

// Does things in the page as a person does, and counts them. A field that has the focus needs no click.
class Person {
  constructor(page, take) {
    this.page = page;
    this.take = take;
    this.steps = [];
    this.step = { clicks: 0, fields: 0, typed: 0, pasted: 0 };
    this.since = Date.now();
  }

  async click(target) {
    this.step.clicks += 1;
    await target.click();
  }

  async #enter(target, text) {
    this.step.fields += 1;
    if (!await target.evaluate((field) => field === document.activeElement)) await this.click(target);
    await this.page.keyboard.type(text);
  }

  async type(target, text) {
    this.step.typed += text.length;
    await this.#enter(target, text);
  }

  // What another page shows and nobody types.
  async paste(target, text) {
    this.step.pasted += 1;
    await this.#enter(target, text);
  }

  // A picture of what is there to be done; afterwards, `act` does it.
  async at(name, ready, act = async () => undefined) {
    await ready.waitFor();
    const waited = (Date.now() - this.since) / 1000;
    const number = String(this.steps.length + 1).padStart(2, '0');
    await this.take(`first-time-${number}-${name}`);
    this.step = { clicks: 0, fields: 0, typed: 0, pasted: 0 };
    await act();
    this.steps.push({ step: name, ...this.step, waited });
    this.since = Date.now();
  }
}

/** Walks in a window with these options; `take(page, name)` makes a picture. Gives what each step asked for. */
export async function firstTime(site, options, take) {
  site.forgetAttempts();
  const page = await site.window(options);
  const person = new Person(page, (name) => take(page, name));
  const heading = (name) => page.getByRole('heading', { name });
  const button = (name) => page.getByRole('button', { name, exact: true });
  const goOn = () => person.click(button('Continue'));
  const radio = (name) => page.getByRole('radio', { name, exact: true });
  const customer = { email: someEmail(), lastStep: 0 };

  await page.open('');
  await person.at('sign-in', page.getByRole('link', { name: 'Create one' }), () => person.click(page.getByRole('link', { name: 'Create one' })));
  await person.at('register', heading('Create your account'), async () => {
    await person.type(page.getByLabel('Work e-mail'), customer.email);
    await person.type(page.getByLabel('Company or team'), 'Example & Sons');
    await person.type(page.getByLabel('Password', { exact: true }), PASSWORD);
    await person.click(button('Create account'));
  });
  await person.at('scan', page.getByRole('img', { name: /QR code/ }), async () => {
    // The person's phone reads the picture; this one reads the words that are folded below it.
    customer.secret = (await page.getByTestId('totp-secret').textContent()).replaceAll(' ', '');
    await person.type(page.getByLabel('Digit 1'), await freshCode(customer));
  });
  await person.at('recovery-codes', heading('Save your recovery codes'), async () => {
    await person.click(button('Download'));
    await person.click(page.getByLabel('I have saved them'));
    await goOn();
  });
  await person.at('agent', heading('Name and kind'), async () => {
    await person.type(page.getByLabel('Name', { exact: true }), 'Inbox assistant');
    // The runtime of these tests; a customer leaves what is chosen, so it does not count.
    await page.getByLabel('Probe (tests only)').check();
    await goOn();
  });
  await person.at('model', heading('AI model'), async () => {
    await person.paste(page.getByLabel('OpenAI API key'), KEY);
    await goOn();
  });
  await person.at('channel', heading('Where people talk to it'), async () => {
    await person.click(radio('Telegram'));
    await person.paste(page.getByLabel('Telegram: bot token'), TOKEN);
    await take(page, `first-time-${String(person.steps.length + 1).padStart(2, '0')}-channel-chosen`);
    await goOn();
  });
  await person.at('permissions', heading('What it may do'), async () => {
    await person.click(radio('E-mail assistant'));
    await goOn();
  });
  await person.at('spend', heading('How much it may spend'), goOn);
  await person.at('review', heading('Check and deploy'), () => person.click(button('Deploy agent')));
  await person.at('progress', page.getByText('Fetch its program'));
  await page.getByText('It is live').waitFor({ timeout: 90_000 });
  await person.at('verdict', page.getByText('It is live'), () => person.click(page.getByRole('link', { name: 'Open Inbox assistant' })));
  await person.at('its-page', page.getByText('At a glance'));
  await page.done();
  return person.steps;
}

const sum = (steps, name) => steps.reduce((total, step) => total + step[name], 0);

// By the keystroke-level model (Card, Moran and Newell): thinking 1.35 s and reaching for the mouse or the
// keyboard 0.4 s at each click and field, pointing 1.1 s, a key 0.28 s.
const seconds = (steps) => sum(steps, 'clicks') * (1.35 + 0.4 + 1.1 + 0.2) + sum(steps, 'fields') * (1.35 + 0.4) + sum(steps, 'typed') * 0.28 + sum(steps, 'pasted') * 0.56;

/** The walk as lines of a table. */
export function tableOf(steps) {
  const line = (...cells) => cells.map((cell, index) => (index === 0 ? String(cell).padEnd(16) : String(cell).padStart(8))).join('');
  const total = ['clicks', 'fields', 'typed', 'pasted', 'waited'].map((name) => sum(steps, name));
  return [
    line('step', 'clicks', 'fields', 'typed', 'pasted', 'waited'),
    ...steps.map(({ step, clicks, fields, typed, pasted, waited }) => line(step, clicks, fields, typed, pasted, `${waited.toFixed(1)} s`)),
    line('in all', ...total.slice(0, 4), `${total[4].toFixed(1)} s`),
    `about ${Math.round(seconds(steps))} s of clicking and typing by the keystroke-level model, and ${Math.round(total[4])} s of waiting here`,
  ].join('\n');
}
