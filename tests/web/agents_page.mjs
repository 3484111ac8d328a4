// What the tests of the list of agents look at in the page.

// Of a long list so many rows are in the page at most.
export const MOST_DRAWN = 90;

export const rows = (page) => page.locator('tr[data-id]');
export const drawn = (page) => rows(page).count();
export const names = (page) => page.locator('.agents-link').allInnerTexts();

// A window with the list, once it shows rows.
export async function openList(played, search = '', options = {}) {
  const page = await played.window(options);
  await page.open(`/agents${search}`);
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  await rows(page).first().waitFor();
  return page;
}
