// Start, stop and restart, for one agent or many.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Agent } from '../api/types';
import { toast } from '../ui/toast';
import { mayRestart, mayStart, mayStop } from './agent_state';

export type Order = 'start' | 'stop' | 'restart';
export const ORDERS: readonly Order[] = ['start', 'restart', 'stop'];

type Words = { title: string; now: string; done: string; fits: (agent: Agent) => boolean };
export const ORDER_WORDS: Record<Order, Words> = {
  start: { title: 'Start', now: 'is starting', done: 'started', fits: mayStart },
  restart: { title: 'Restart', now: 'is restarting', done: 'restarted', fits: mayRestart },
  stop: { title: 'Stop', now: 'is stopping', done: 'stopped', fits: mayStop },
};

const AT_ONCE = 4;

async function giveOrder(id: string, order: Order): Promise<unknown> {
  const options = { params: { path: { id } }, body: {} };
  if (order === 'start') return ok(api.POST('/api/agents/{id}/start', options));
  if (order === 'stop') return ok(api.POST('/api/agents/{id}/stop', options));
  return ok(api.POST('/api/agents/{id}/restart', options));
}

export function useOrder(agent: Agent) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (order: Order) => giveOrder(agent.id, order),
    onSuccess: (_answer, order) => toast.good(`${agent.name} ${ORDER_WORDS[order].now}.`),
    onSettled: () => Promise.all([
      queries.invalidateQueries({ queryKey: ['agents'] }), queries.invalidateQueries({ queryKey: ['agent', agent.id] })]),
  });
}

/** How an order to many went; `untried`: it was stopped before them. */
export type BulkResult = { done: Agent[]; failed: Array<{ agent: Agent; problem: Problem }>; untried: Agent[] };

/** Gives one order to many. The first goes alone, so that a code is asked for once; its refusal ends it. */
export async function giveOrders(agents: Agent[], order: Order, onProgress: (done: number) => void, signal: AbortSignal): Promise<BulkResult> {
  const result: BulkResult = { done: [], failed: [], untried: [] };
  const queue = [...agents];
  const one = async (agent: Agent) => {
    try {
      await giveOrder(agent.id, order);
      result.done.push(agent);
    } catch (error) {
      result.failed.push({ agent, problem: asProblem(error) });
    }
    onProgress(result.done.length + result.failed.length);
  };
  const first = queue.shift();
  if (!first) return result;
  await one(first);
  if (result.failed[0]?.problem.code === 'step_up_cancelled') throw result.failed[0].problem;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (!signal.aborted) {
      const next = queue.shift();
      if (!next) return;
      await one(next);
    }
  }));
  result.untried = queue;
  return result;
}
