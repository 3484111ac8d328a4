// JSON values: whether two are the same, and where they differ.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export const isObject = (value: unknown): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);

/** Equal whatever the order of keys: the database keeps another one than was sent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, index) => sameJson(one, b[index]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}

export type Difference = { path: string[]; before: Json | undefined; after: Json | undefined };

/** The deepest places at which two values differ; arrays are compared as a whole. */
export function differencesOf(before: Json | undefined, after: Json | undefined, path: string[] = []): Difference[] {
  if (!isObject(before) || !isObject(after)) return sameJson(before, after) ? [] : [{ path, before, after }];
  const inner = (object: JsonObject, key: string) => (Object.hasOwn(object, key) ? object[key] : undefined);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .flatMap((key) => differencesOf(inner(before, key), inner(after, key), [...path, key]));
}

/** The JSON pointer of a place (RFC 6901). */
export const pointerOf = (path: string[]): string => path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
/** The place that a JSON pointer names. */
export const pathOf = (pointer: string): string[] => pointer.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
