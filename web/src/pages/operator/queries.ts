import { queryOptions } from '@tanstack/react-query';
import { raw, rawWithTag } from '../../api/client';
import type { AdminClientDetail, PlanOffer } from '../../api/contract';

export const clientPath = (id: string) => `/api/admin/clients/${encodeURIComponent(id)}`;

/** One client with its tag, for If-Match. */
export const clientQuery = (id: string) => queryOptions({
  queryKey: ['admin', 'client', id],
  queryFn: () => rawWithTag<{ client: AdminClientDetail }>('GET', clientPath(id)),
});

export const plansQuery = queryOptions({
  queryKey: ['admin', 'plans'],
  queryFn: async () => (await raw<{ items: PlanOffer[] }>('GET', '/api/admin/plans')).items,
  staleTime: 600_000,
});
