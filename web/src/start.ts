// A script of its own, small and before all others: it asks for what the app will want first while the
// app itself is still being loaded. The app takes the answers from `window.early` (api/early.ts), and
// asks by itself for what is not there.

const FIRST: Array<[address: RegExp, call: string]> = [
  [/./, '/api/auth/session'],
  [/./, '/api/branding'],
  [/^\/app(\/agents)?\/?$/, '/api/agents?limit=200'],
];

const calls = FIRST.filter(([address]) => address.test(window.location.pathname)).map(([, call]) => call);
window.early = new Map(calls.map((call) => [call, fetch(call, { credentials: 'same-origin', headers: { Accept: 'application/json' } })
  .then((response) => ({ response, at: performance.now() }), () => null)]));

export {};
