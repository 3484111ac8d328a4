import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import type { components } from '../../api/schema';

export type Approval = components['schemas']['Approval'];
export type ApprovalState = Approval['state'];
export type HeldRequest = NonNullable<Approval['request']>;

const PAGE = 50;

/** The requests of one agent or of all, newest first, page by page. */
export const approvalsQuery = (agent: string | null, state: ApprovalState | undefined) => infiniteQueryOptions({
  queryKey: ['approvals', 'list', agent, state ?? null],
  queryFn: ({ pageParam: cursor }) => {
    const query = { state, cursor, limit: PAGE };
    return agent
      ? ok(api.GET('/api/agents/{id}/approvals', { params: { path: { id: agent }, query } }))
      : ok(api.GET('/api/approvals', { params: { query } }));
  },
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last) => last.nextCursor ?? undefined,
});

/** One request with all of it: a list leaves large ones out. */
export const approvalQuery = (agentId: string, id: string) => queryOptions({
  queryKey: ['approvals', 'one', id],
  queryFn: async () => (await ok(api.GET('/api/agents/{id}/approvals/{approval}', { params: { path: { id: agentId, approval: id } } }))).approval,
});
