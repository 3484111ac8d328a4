// The server state that several pages share. A page's own queries stay in its folder.

import { QueryCache, QueryClient, MutationCache, notifyManager, queryOptions, useQueries, useQuery } from '@tanstack/react-query';
import { toast } from '../ui/toast';
import { api, ok, okWithTag } from './client';
import { asProblem, Problem, problemOf, unreachable } from './problem';
import { setCsrfToken, setSignedOutHandler } from './transport';
import type { Agent, Branding, Session } from './types';

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: Error;
    // `shown: true`: the page shows the failure itself, no toast.
    mutationMeta: { shown?: boolean };
  }
}

const worthRetrying = (error: unknown) => {
  const { status } = asProblem(error);
  return status === 0 || status === 502 || status === 503 || status === 504;
};

// At once, not a task later: until then a button does not know that its order is under way, and a second
// click would send it again.
notifyManager.setScheduler(queueMicrotask);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => count < 2 && worthRetrying(error),
      staleTime: 5_000,
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
  queryCache: new QueryCache(),
  mutationCache: new MutationCache({
    onError: (error, _variables, _context, mutation) => {
      const problem = asProblem(error);
      if (mutation.meta?.shown || problem.code === 'step_up_cancelled') return;
      toast.problem(problem);
    },
  }),
});

async function fetchSession(): Promise<Session | null> {
  try {
    const session = await ok(api.GET('/api/auth/session'));
    setCsrfToken(session.csrfToken);
    return session;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      setCsrfToken(null);
      return null;
    }
    throw error;
  }
}

export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: fetchSession, staleTime: 60_000 });

/** Fetches the session anew: after sign-in, a confirmed code or a change of role. */
export const renewSession = (): Promise<Session | null> => queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 });

setSignedOutHandler(() => {
  setCsrfToken(null);
  queryClient.setQueryData(sessionQuery.queryKey, null);
});

const PLAIN: Branding = { name: 'DeployClaw', logoUrl: null, supportEmail: null, bookCallUrl: null, accent: null };

export const brandingQuery = queryOptions({
  queryKey: ['branding'],
  queryFn: async (): Promise<Branding> => {
    const known = await ok(api.GET('/api/branding')).catch(() => null);
    return known ?? PLAIN;
  },
  staleTime: Infinity,
});
export const useBranding = (): Branding => useQuery(brandingQuery).data ?? PLAIN;

export const agentsQuery = queryOptions({
  queryKey: ['agents'],
  queryFn: async (): Promise<Agent[]> => {
    const agents: Agent[] = [];
    let cursor: string | undefined;
    do {
      const page = await ok(api.GET('/api/agents', { params: { query: { limit: 200, cursor } } }));
      agents.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return agents;
  },
});

/** One agent with its ETag, for If-Match. */
export const agentQuery = (id: string) => queryOptions({
  queryKey: ['agent', id],
  queryFn: async (): Promise<{ agent: Agent; etag: string | null }> => {
    const { data, etag } = await okWithTag(api.GET('/api/agents/{id}', { params: { path: { id } } }));
    return { agent: data.agent, etag };
  },
});

export const credentialsQuery = (id: string) => queryOptions({
  queryKey: ['agent', id, 'credentials'],
  queryFn: async () => (await ok(api.GET('/api/agents/{id}/credentials', { params: { path: { id } } }))).items,
});

export const runtimesQuery = queryOptions({
  queryKey: ['runtimes'],
  queryFn: async () => (await ok(api.GET('/api/runtimes'))).items,
  staleTime: 600_000,
});

export const credentialKindsQuery = queryOptions({
  queryKey: ['credential-kinds'],
  queryFn: async () => (await ok(api.GET('/api/credential-kinds'))).items,
  staleTime: 600_000,
});

// Pages that not every server, plan or role has: each call is asked for once.
const PROBES = {
  approvals: '/api/approvals?limit=1',
  billing: '/api/billing',
  team: '/api/users?limit=1',
  keys: '/api/keys?limit=1',
  operator: '/api/admin/clients?limit=1',
  operatorAgents: '/api/admin/agents?limit=1',
  operatorHosts: '/api/admin/hosts?limit=1',
  operatorWaitlist: '/api/admin/waitlist?limit=1',
} as const;
export type Feature = keyof typeof PROBES;
/** `absent`: the server has no such call; `refused`: it is not for this role. */
export type Offer = 'offered' | 'refused' | 'absent';

async function probe(path: string): Promise<Offer> {
  const response = await fetch(path, { credentials: 'same-origin', headers: { Accept: 'application/json' } }).catch(() => { throw unreachable(); });
  if (response.status === 401) throw await problemOf(response);
  if (response.status === 403) return 'refused';
  // Trouble is an answer too: the page says what it is and tries again.
  return [404, 405, 501].includes(response.status) ? 'absent' : 'offered';
}

const featureQuery = (feature: Feature, session: Session | null | undefined) => queryOptions({
  // Another user or role gets other answers.
  queryKey: ['feature', feature, session?.user.id, session?.user.role],
  queryFn: () => probe(PROBES[feature]),
  enabled: session?.level === 'full',
  staleTime: Infinity,
  // One lost answer does not take a place out of the navigation for the whole visit.
  refetchInterval: ({ state }) => (state.status === 'error' ? 5_000 : false),
});

/** Whether this server offers a page to this user. */
export const useFeature = (feature: Feature) => useQuery(featureQuery(feature, useQuery(sessionQuery).data));

/** Which of these are offered; false while it is not known. */
export function useFeatures<F extends Feature>(...features: F[]): Record<F, boolean> {
  const session = useQuery(sessionQuery).data;
  const offers = useQueries({ queries: features.map((feature) => featureQuery(feature, session)) });
  return Object.fromEntries(features.map((feature, index) => [feature, offers[index]?.data === 'offered'])) as Record<F, boolean>;
}
