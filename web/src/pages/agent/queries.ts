// What the tabs of one agent ask the server.

import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ok, raw } from '../../api/client';
import { asProblem } from '../../api/problem';
import type { AgentMetrics, Permissions } from '../../api/types';

export const healthQuery = (id: string) => queryOptions({
  queryKey: ['agent', id, 'health'],
  queryFn: () => ok(api.GET('/api/agents/{id}/health', { params: { path: { id } } })),
});

export const deploymentsQuery = (id: string) => infiniteQueryOptions({
  queryKey: ['agent', id, 'deployments'],
  queryFn: ({ pageParam }) => ok(api.GET('/api/agents/{id}/deployments', { params: { path: { id }, query: { limit: 25, cursor: pageParam } } })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
});

// Not below ['agent', id]: what was deployed stays what it is. The tag says which state of the agent its hidden values are compared with.
export const versionQuery = (id: string, deployment: string, etag: string | null) => queryOptions({
  queryKey: ['version', id, deployment, etag],
  queryFn: () => ok(api.GET('/api/agents/{id}/deployments/{deployment}', { params: { path: { id, deployment } } })),
});

/** What was changed and started by whom: for the history of deployments. */
export const changesQuery = (id: string) => queryOptions({
  queryKey: ['audit', id, 'changes'],
  queryFn: async () => {
    const ask = (actionType: string) => ok(api.GET('/api/agents/{id}/logs', { params: { path: { id }, query: { actionType, limit: 100 } } }));
    const pages = await Promise.all(['agent_updated', 'agent_created', 'agent_restarted', 'agent_started'].map(ask));
    return pages.flatMap((page) => page.items).sort((a, b) => b.seq - a.seq);
  },
});

export const latestQuery = (id: string) => queryOptions({
  queryKey: ['audit', id, 'latest'],
  queryFn: async () => (await ok(api.GET('/api/agents/{id}/logs', { params: { path: { id }, query: { limit: 14 } } }))).items,
});

// A call that this server does not have answers null instead of failing.
async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    const { status } = asProblem(error);
    if (status === 404 || status === 405) return null;
    throw error;
  }
}

export type Suggestion = {
  id: string; sentence: string; addScopes: string[]; addDomains: string[]; count: number; lastAt: string; example: string;
};
export type NotGrantable = { host: string; rule: string | null; reason: string; count: number; lastAt: string; example: string };
export type Suggestions = { from: string; items: Suggestion[]; notGrantable: NotGrantable[]; unlisted: number };

export const suggestionsQuery = (id: string) => queryOptions({
  queryKey: ['agent', id, 'suggestions'],
  queryFn: () => orNull(raw<Suggestions>('GET', `/api/agents/${id}/suggestions`)),
});

export type ReplayChange = { host: string; rule: string | null; scope: string | null; reason: string | null; count: number; lastAt: string; example: string };
export type ReplayLimit = { scope: string; maxPerHour: number; maxPerDay: number; default: boolean; attempts: number; refused: number; firstRefusedAt: string | null };
export type Replay = {
  from: string; to: string; complete: boolean;
  counts: { examined: number; stillAllowed: number; stillDenied: number; newlyDenied: number; newlyAllowed: number; refusedOtherwise: number };
  newlyDenied: ReplayChange[]; newlyAllowed: ReplayChange[]; rateLimits: ReplayLimit[];
};

/** What a draft would have done to the last 30 days; null where the server cannot tell. */
export const replay = (id: string, permissions: Permissions, signal?: AbortSignal) =>
  orNull(raw<Replay>('POST', `/api/agents/${id}/policy/replay`, { permissions }, {}, signal));

export type Explanation = {
  verdict: 'allowed' | 'denied' | 'needs_body'; layer: string | null; rule: string | null; ruleFile: string | null; service: string | null;
  scope: string | null; action: string | null; target: string | null; missingScope: string | null; reason: string | null;
  limits: { maxPerHour: number; maxPerDay: number; default: boolean } | null; approval: boolean;
};
export const explain = (id: string, method: string, url: string) => raw<Explanation>('POST', `/api/agents/${id}/policy/explain`, { method, url });

export const METRIC_RANGES = ['1h', '6h', '24h', '7d', '30d'] as const;
export type MetricRange = (typeof METRIC_RANGES)[number];

// Not below ['agent', id]: events of the agent need not load the whole time again.
export const metricsQuery = (id: string, range: MetricRange) => queryOptions({
  queryKey: ['metrics', id, range],
  queryFn: () => raw<AgentMetrics>('GET', `/api/agents/${id}/metrics?range=${range}`),
});
