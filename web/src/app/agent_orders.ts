// Start, stop and restart, for one agent or many.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Agent } from '../api/types';
import { toast } from '../ui/toast';

export type Order = 'start' | 'stop' | 'restart';

export const ORDER_DONE: Record<Order, string> = { start: 'is starting', stop: 'is stopping', restart: 'is restarting' };

const AT_ONCE = 4;

export async function giveOrder(id: string, order: Order): Promise<unknown> {
  const options = { params: { path: { id } }, body: {} };
  if (order === 'start') return ok(api.POST('/api/agents/{id}/start', options));
  if (order === 'stop') return ok(api.POST('/api/agents/{id}/stop', options));
  return ok(api.POST('/api/agents/{id}/restart', options));
}

export function useOrder(agent: Agent) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (order: Order) => giveOrder(agent.id, order),
    onSuccess: (_answer, order) => toast.good(`${agent.name} ${ORDER_DONE[order]}.`),
    onSettled: () => Promise.all([
      queries.invalidateQueries({ queryKey: ['agents'] }), queries.invalidateQueries({ queryKey: ['agent', agent.id] })]),
  });
}

export type BulkResult = { done: Agent[]; failed: Array<{ agent: Agent; problem: Problem }> };

/** Gives one order to many. The first goes alone, so that a code is asked for once; its refusal ends it. */
export async function giveOrders(agents: Agent[], order: Order, onProgress: (done: number) => void): Promise<BulkResult> {
  const result: BulkResult = { done: [], failed: [] };
  const one = async (agent: Agent) => {
    try {
      await giveOrder(agent.id, order);
      result.done.push(agent);
    } catch (error) {
      result.failed.push({ agent, problem: asProblem(error) });
    }
    onProgress(result.done.length + result.failed.length);
  };
  const [first, ...rest] = agents;
  if (!first) return result;
  await one(first);
  if (result.failed[0]?.problem.code === 'step_up_cancelled') throw result.failed[0].problem;
  const queue = [...rest];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await one(next);
  }));
  return result;
}
