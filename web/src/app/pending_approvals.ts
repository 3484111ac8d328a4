import { useQuery } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { useFeatures } from '../api/queries';
import { usePolling, useTopic } from '../live/live';

/** `known` is false until the server has answered once. */
export type PendingApprovals = { known: boolean; pending: number; newest: { id: string; agentName: string; createdAt: string } | null };

const NONE: PendingApprovals = { known: false, pending: 0, newest: null };

/** How many requests wait for a person, and the newest of them. */
export function usePendingApprovals(): PendingApprovals {
  const { approvals } = useFeatures('approvals');
  useTopic(approvals ? 'approvals' : null);
  const { data } = useQuery({
    queryKey: ['approvals', 'count'],
    queryFn: async (): Promise<PendingApprovals> => {
      const { items: [newest], pending } = await ok(api.GET('/api/approvals', { params: { query: { state: 'pending', limit: 1 } } }));
      return { known: true, pending, newest: newest ? { id: newest.id, agentName: newest.agentName, createdAt: newest.createdAt } : null };
    },
    enabled: approvals,
    refetchInterval: usePolling(10_000),
  });
  return data ?? NONE;
}
