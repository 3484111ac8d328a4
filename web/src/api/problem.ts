import type { components } from './schema';

type ProblemBody = components['schemas']['Problem'];

/** A call that did not succeed: what the server said (RFC 9457), or that it could not be reached. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly fields: ReadonlyArray<{ pointer: string; detail: string }>;
  /** Seconds, from Retry-After. */
  readonly retryAfter: number | null;

  constructor(status: number, body: Partial<ProblemBody>, retryAfter: number | null = null) {
    super(body.detail || body.title || 'The request failed.');
    this.name = 'Problem';
    this.status = status;
    this.code = body.code ?? 'unknown';
    this.detail = this.message;
    this.requestId = body.requestId ?? null;
    this.fields = body.errors ?? [];
    this.retryAfter = retryAfter;
  }

  /** The server has looked at what was sent and does not take it; otherwise sending the same again may work. */
  get isRefusal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }

  /** What was wrong with the field at this JSON pointer or below it, if anything. */
  at(pointer: string): string | undefined {
    return this.fields.find((one) => one.pointer === pointer || one.pointer.startsWith(`${pointer}/`))?.detail;
  }
}

export const unreachable = () => new Problem(0, {
  code: 'unreachable',
  title: 'No connection',
  detail: 'The server did not answer. Check your connection; your change may not have been made.',
});

export const cancelledStepUp = () => new Problem(403, {
  code: 'step_up_cancelled',
  detail: 'Nothing was changed: the code was not confirmed.',
});

export async function problemOf(response: Response): Promise<Problem> {
  const wait = Number(response.headers.get('retry-after'));
  const retryAfter = Number.isFinite(wait) && wait > 0 ? wait : null;
  const isProblem = response.headers.get('content-type')?.includes('json');
  const body: Partial<ProblemBody> = isProblem ? await response.json().catch(() => ({})) : {};
  if (!body.detail && !body.title) {
    body.detail = response.status >= 500
      ? `The server had trouble (${response.status}). Try again in a moment.`
      : `The server refused this (${response.status}).`;
  }
  return new Problem(response.status, body, retryAfter);
}

/** Any thrown value as a Problem, so that every error is shown in one way. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, { code: 'unexpected', detail: error instanceof Error ? error.message : String(error) });
}
