import createClient from 'openapi-fetch';
import type { paths } from './schema';
import { transport } from './transport';

/** The typed client. Wrap a call in `ok` to get its body, or a thrown Problem. */
export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: transport });

/** The JSON body of an answer; failures were thrown by the transport. */
export async function ok<T>(call: Promise<{ data?: T; response: Response }>): Promise<Exclude<T, string>> {
  const { data } = await call;
  return data as Exclude<T, string>;
}

/** The body of an answer and its ETag, for If-Match. */
export async function okWithTag<T>(call: Promise<{ data?: T; response: Response }>): Promise<{ data: T; etag: string | null }> {
  const { data, response } = await call;
  return { data: data as T, etag: response.headers.get('etag') };
}

/** A call that the OpenAPI file does not have yet, and the tag of its answer: see contract.ts for its types. */
export async function rawWithTag<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<{ data: T; etag: string | null }> {
  const request = new Request(new URL(path, window.location.origin), {
    method,
    headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  });
  const response = await transport(request);
  const empty = response.status === 204 || response.headers.get('content-length') === '0';
  return { data: (empty ? undefined : await response.json()) as T, etag: response.headers.get('etag') };
}

export const raw = async <T>(...call: Parameters<typeof rawWithTag>): Promise<T> => (await rawWithTag<T>(...call)).data;

/** The header that makes a change fail with 412 when the resource is no longer as it was read. */
export const ifMatch = (etag: string | null): Record<string, string> => (etag ? { 'If-Match': etag } : {});
