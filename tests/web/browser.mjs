// A real browser before the real platform, for the tests of the web pages. Needs ./dev build web and
// Debian's chromium.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { startPreview } from '../../web/scripts/preview_server.mjs';
import { Customer, Platform, root, sleep, totp, until } from '../e2e/harness.mjs';
import { end, findings, openWindow, saved, sideways, startChromium } from './window.mjs';

export { end, findings, saved, sideways, sleep, totp, until };
export const PASSWORD = 'correct horse battery staple';

// Makes the window this customer's.
export async function enter(page, customer) {
  const [name, ...value] = customer.cookie.split('=');
  await page.context().addCookies([{ name, value: value.join('='), domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Strict' }]);
}

export class Site {
  async start(overrides = []) {
    assert.ok(fs.existsSync(path.join(root, 'web/dist/app.html')), 'web/dist is not built: ./dev build web');
    // These pages, whichever checkout the program is from.
    this.platform = await new Platform().start([`web.root=${path.join(root, 'web/dist')}`, ...overrides]);
    // The api process serves the pages where it can; else the preview does.
    const answer = await fetch(`${this.platform.url}/app`).catch(() => null);
    const served = answer?.ok && (await answer.text()).includes('id="root"');
    this.preview = served ? null : await startPreview(this.platform.url);
    this.url = this.preview?.url ?? this.platform.url;
    this.chromium = await startChromium();
    return this;
  }

  async stop() {
    await this.chromium?.close();
    await this.preview?.close();
    return this.platform?.stop() ?? 0;
  }

  // The limits on sign-ins count by address, and all of these come from one.
  forgetAttempts() {
    this.platform.sql('DELETE FROM auth.attempts');
  }

  // As if every session had confirmed its second factor so long ago.
  confirmed(ago = '0 minutes') {
    this.platform.sql(`UPDATE sessions SET second_factor_at = now() - interval '${ago}'`);
  }

  // A session of theirs elsewhere.
  addSession(customer, device) {
    this.platform.sql(`INSERT INTO sessions (client_id, user_id, token_hash, level, user_agent, expires_at)
      SELECT client_id, id, decode(md5(random()::text), 'hex'), 'full', '${device}', now() + interval '1 hour' FROM users WHERE email = '${customer.email}'`);
  }

  // See window.mjs; with a customer it is signed in.
  async window({ customer, ...options } = {}) {
    const page = await openWindow(this.chromium, this.url, options);
    const context = page.context();
    if (customer) await enter(page, customer);
    // Closes the window; the customer goes on with the cookie as it is now (a confirmed code changes it).
    page.done = async () => {
      const cookie = (await context.cookies(`https://localhost`)).find((one) => one.name === '__Host-deployclaw');
      await context.close();
      if (!customer || !cookie) return;
      customer.cookie = `${cookie.name}=${cookie.value}`;
      const session = await customer.call('GET', '/api/auth/session');
      if (session.status === 200) customer.csrf = session.body.csrfToken;
    };
    return page;
  }

  // Somebody who has registered and turned on two-factor, through the API.
  async customer() {
    this.forgetAttempts();
    return new Customer(this.platform).join();
  }
}

// A code that was not used yet, as the customer's app would show it.
export async function freshCode(customer) {
  await until('the next code', () => Math.floor(Date.now() / 30_000) > customer.lastStep, 31);
  customer.lastStep = Math.floor(Date.now() / 30_000);
  return totp(customer.secret, customer.lastStep);
}

export const someEmail = () => `web-${randomBytes(6).toString('hex')}@example.com`;
