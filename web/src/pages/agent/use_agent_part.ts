import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ifMatch, okWithTag } from '../../api/client';
import { asProblem } from '../../api/problem';
import { agentQuery } from '../../api/queries';
import type { Agent, ChangeAgentRequest } from '../../api/types';
import { editedFrom, keepMine, saved, seen, takeTheirs } from '../../app/edited';
import type { TabProps } from './index';

/** A part of an agent that is edited and saved by itself. Keep it outside of components. */
export type AgentPart<T> = {
  of: (agent: Agent) => T;
  request: (draft: T, base: T) => ChangeAgentRequest;
  same: (a: T, b: T) => boolean;
};

// How often a change of other parts may come in between while this one is saved.
const TRIES = 4;

/**
 * A draft of one part of an agent. `save` answers `saved`, or `conflict` when somebody else changed the
 * same part: then `theirs` is what the server has, until takeTheirs or keepMine. `initial` is a draft to
 * begin with that differs from what is stored.
 */
export function useAgentPart<T>({ agent, etag }: TabProps, part: AgentPart<T>, initial?: T) {
  const queries = useQueryClient();
  const key = agentQuery(agent.id).queryKey;
  const [state, setState] = useState(() => editedFrom({ value: part.of(agent), tag: etag }, initial));

  const save = useMutation({
    mutationFn: async (draft: T): Promise<'saved' | 'conflict'> => {
      const base = state.base.value;
      let { tag } = state.base;
      for (let tries = 1; ; tries += 1) {
        try {
          const { data, etag: newTag } = await okWithTag(api.PATCH('/api/agents/{id}', {
            params: { path: { id: agent.id }, header: ifMatch(tag) }, body: part.request(draft, base),
          }));
          // A fetch that began before the change would bring the agent back as it was.
          await queries.cancelQueries({ queryKey: key, exact: true });
          queries.setQueryData(key, { agent: data.agent, etag: newTag });
          setState((before) => saved(before, draft, { value: part.of(data.agent), tag: newTag }, part.same));
          return 'saved';
        } catch (error) {
          if (asProblem(error).status !== 412) throw error;
          await queries.cancelQueries({ queryKey: key, exact: true });
          const now = await queries.fetchQuery({ ...agentQuery(agent.id), staleTime: 0 });
          const theirs = { value: part.of(now.agent), tag: now.etag };
          setState((before) => seen(before, theirs, part.same));
          if (part.same(theirs.value, draft)) return 'saved';
          if (!part.same(theirs.value, base)) return 'conflict';
          if (tries === TRIES) throw error;
          tag = now.etag;
        }
      }
    },
    meta: { shown: true },
    onSettled: () => {
      for (const queryKey of [['agent', agent.id], ['agents'], ['audit']]) void queries.invalidateQueries({ queryKey });
    },
  });

  // While it is saved, what the server has is the save's own business.
  const next = save.isPending ? state : seen(state, { value: part.of(agent), tag: etag }, part.same);
  if (next !== state) setState(next);

  const edit = (change: (before: typeof state) => typeof state) => {
    if (save.error) save.reset();
    setState(change);
  };
  return {
    base: next.base.value,
    draft: next.draft,
    theirs: next.theirs?.value ?? null,
    dirty: !part.same(next.draft, next.base.value),
    busy: save.isPending,
    error: save.error,
    set: (draft: T) => setState((before) => ({ ...before, draft })),
    undo: () => edit((before) => ({ ...before, draft: before.base.value })),
    takeTheirs: () => edit(takeTheirs),
    keepMine: () => edit(keepMine),
    save: (draft: T = next.draft) => save.mutateAsync(draft),
  };
}

export type AgentEdit<T> = ReturnType<typeof useAgentPart<T>>;
