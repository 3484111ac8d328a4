// What the inbox shows while the list behind it changes. A person is about to press a button: nothing
// may move under the pointer. So a request stays where it is when it has been decided, and a new one
// waits to be asked for, unless nothing is shown yet.

type Asked = { id: string; createdAt: string };
export type Kept<T extends Asked> = { shown: T[]; arrived: T[] };

/** `listed` is newest first: what the server lists now of what waits. */
export function keep<T extends Asked>(shown: readonly T[], listed: readonly T[]): Kept<T> {
  if (shown.length === 0) return { shown: [...listed], arrived: [] };
  const now = new Map(listed.map((one) => [one.id, one]));
  const known = new Set(shown.map((one) => one.id));
  const oldest = shown.reduce((least, one) => (one.createdAt < least ? one.createdAt : least), shown[0]?.createdAt ?? '');
  const unknown = listed.filter((one) => !known.has(one.id));
  return {
    shown: [...shown.map((one) => now.get(one.id) ?? one), ...unknown.filter((one) => one.createdAt < oldest)],
    arrived: unknown.filter((one) => one.createdAt >= oldest),
  };
}
