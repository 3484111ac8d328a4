// What src/start.ts has asked the server for before the app was there.

export type EarlyAnswer = { response: Response; at: number } | null;

declare global {
  interface Window {
    /** By path and query. */
    early?: Map<string, Promise<EarlyAnswer>>;
  }
}

// The app may be long on its way over a slow line. What is older than this is not shown for new.
const NEW_MS = 20_000;

/** The answer to this request if one was asked for early, once; null: it has to be asked for now. */
export async function takeEarly(request: Request): Promise<Response | null> {
  if (request.method !== 'GET') {
    // What was answered before a change is not what holds after it.
    window.early?.clear();
    return null;
  }
  const { pathname, search } = new URL(request.url);
  const asked = window.early?.get(pathname + search);
  if (!asked) return null;
  window.early?.delete(pathname + search);
  const answer = await asked;
  const isNew = answer !== null && performance.now() - answer.at < NEW_MS;
  // That nobody is signed in is an answer; other trouble is worth asking again.
  return isNew && (answer.response.ok || answer.response.status === 401) ? answer.response : null;
}
