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

/** A call that the OpenAPI file does not have yet: see contract.ts for its types. */
export async function raw<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<T> {
  const request = new Request(new URL(path, window.location.origin), {
    method,
    headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  });
  const response = await transport(request);
  if (response.status === 204 || response.headers.get('content-length') === '0') return undefined as T;
  return (await response.json()) as T;
}
