// The list of agents for its tests: what they serve, and what they look at in the page.

import { pageOf } from './played.mjs';

// Of a long list so many rows are in the page at most.
export const MOST_DRAWN = 90;

export const rows = (page) => page.locator('tr[data-id]');
export const drawn = (page) => rows(page).count();
export const names = (page) => page.locator('.agents-link').allInnerTexts();

// The played server begins anew, with the agents that `list` gives at each call.
export function serveList(played, list) {
  played.reset();
  played.session.fresh = true;
  played.on('GET', '/api/agents', ({ query }) => pageOf(list(), query, 200));
}

// A window with the list, once it shows rows.
export async function openList(played, search = '', options = {}) {
  const page = await played.window(options);
  await page.open(`/agents${search}`);
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  await rows(page).first().waitFor();
  return page;
}
