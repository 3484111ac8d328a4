import { queryOptions } from '@tanstack/react-query';
import { raw } from '../../api/client';
import type { Billing, PlanOffer } from '../../api/contract';
import { asProblem } from '../../api/problem';

export const billingQuery = queryOptions({ queryKey: ['billing'], queryFn: () => raw<Billing>('GET', '/api/billing') });

/** What is on offer; null where the server does not tell. */
export const plansQuery = queryOptions({
  queryKey: ['billing', 'plans'],
  queryFn: () => raw<{ items: PlanOffer[] }>('GET', '/api/billing/plans').then(({ items }) => items)
    .catch((error: unknown) => { if (asProblem(error).status === 404) return null; throw error; }),
  staleTime: 600_000,
});
