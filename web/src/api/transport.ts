// Every call goes through here: it carries the CSRF token and an idempotency key, asks for a code when
// the second factor is not fresh and repeats the call, and turns what failed into a Problem.

import { takeEarly } from './early';
import { cancelledStepUp, problemOf, unreachable, type Problem } from './problem';
import { requestStepUp } from './step_up';

let csrfToken: string | null = null;
let onSignedOut: () => void = () => {};

export const setCsrfToken = (token: string | null): void => { csrfToken = token; };
/** Called when the server no longer knows the session. */
export const setSignedOutHandler = (handler: () => void): void => { onSignedOut = handler; };

const isUnsafe = (method: string) => !['GET', 'HEAD', 'OPTIONS'].includes(method);
const isAuth = (url: string) => new URL(url).pathname.startsWith('/api/auth/');

async function refreshCsrfToken(): Promise<void> {
  const answer = await fetch('/api/auth/session', { credentials: 'same-origin' }).catch(() => null);
  if (!answer?.ok) return;
  const session = (await answer.json()) as { csrfToken: string };
  csrfToken = session.csrfToken;
}

function prepare(request: Request): Request {
  const copy = request.clone();
  if (isUnsafe(copy.method)) {
    if (csrfToken) copy.headers.set('X-CSRF-Token', csrfToken);
    if (!copy.headers.has('Content-Type')) copy.headers.set('Content-Type', 'application/json');
  }
  return copy;
}

async function send(request: Request): Promise<Response> {
  try {
    return await takeEarly(request) ?? await fetch(prepare(request));
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw unreachable();
  }
}

/** The `fetch` of the API client. Throws a Problem for every answer that is not 2xx. */
export async function transport(request: Request): Promise<Response> {
  // The same key on every repetition of this call: the server then does it once.
  if (request.method === 'POST' && !isAuth(request.url) && !request.headers.has('Idempotency-Key')) {
    request.headers.set('Idempotency-Key', crypto.randomUUID());
  }
  let tokenRenewed = false;
  for (;;) {
    const response = await send(request);
    if (response.ok) return response;
    const problem: Problem = await problemOf(response);
    if (problem.code === 'two_factor_required' && !isAuthEntry(request.url)) {
      if (!(await requestStepUp())) throw cancelledStepUp();
      continue;
    }
    if (problem.code === 'csrf_refused' && !tokenRenewed) {
      tokenRenewed = true;
      await refreshCsrfToken();
      continue;
    }
    // A wrong password or code is 401 too, with a code of its own.
    if (problem.code === 'unauthenticated' && !isSession(request.url)) onSignedOut();
    throw problem;
  }
}

const isSession = (url: string) => new URL(url).pathname === '/api/auth/session';
// Proving the second factor must not ask for the second factor.
const isAuthEntry = (url: string) => /\/api\/auth\/(login|register|logout|2fa\/verify)$/.test(new URL(url).pathname);
