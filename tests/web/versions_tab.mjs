// The tab of an agent's deployments before a played API: its rows, the question before a roll back, and
// versions to compare. For tests.

export const VERSION = ['GET', '/api/agents/:id/deployments/:deployment'];
export const RESTORE = ['POST', '/api/agents/:id/deployments/:deployment/restore'];

export const row = (page, index) => page.getByRole('list', { name: 'Deployments', exact: true }).locator('> li').nth(index);
export async function opened(page, index = 0) {
  await row(page, index).locator('summary').click();
  return row(page, index).getByRole('region', { name: 'What it changed' });
}
export const differing = (place, setting) => place.getByRole('listitem').filter({ hasText: setting });
export const backTo = (place) => place.getByRole('button', { name: 'Roll back to this version…' });
export const question = (page) => page.getByRole('dialog', { name: 'Roll back to this version?' });

// The newest version changes something of every part.
export function changeAll(state) {
  state.elsewhere({
    runtimeVersion: '2', resources: { memoryMb: 64 }, permissions: { scopes: ['email:read', 'calendar:read'], maxDailyTokenSpend: 9 },
    config: { note: 'hello', printCount: 2, nested: { words: ['a', 'b', 'c'], apiKey: { $sealed: true } }, channels: { telegram: { botToken: { $sealed: true } } } },
  });
  state.secrets = { '/config/nested/apiKey': 'first', '/config/channels/telegram/botToken': 'a token' };
  state.deployed();
}

// A comparison that is longer than any window.
export function changeMuch(state) {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`setting${index}`, index]));
  state.elsewhere({ permissions: { scopes: ['email:read', 'calendar:read'], maxDailyTokenSpend: 9 }, config: { ...state.agent.config, many } });
  state.deployed();
}
