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
  // Many may be of one second: what the server lists behind all that is shown is older.
  const lastKnown = listed.findLastIndex((one) => known.has(one.id));
  const isOlder = (one: T, index: number) => index > lastKnown && one.createdAt <= oldest;
  return {
    shown: [...shown.map((one) => now.get(one.id) ?? one), ...listed.filter((one, index) => !known.has(one.id) && isOlder(one, index))],
    arrived: listed.filter((one, index) => !known.has(one.id) && !isOlder(one, index)),
  };
}
