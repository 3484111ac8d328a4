// The dashboard's one event stream. Pages say which topics they show; an event names what to fetch
// again. Where the server has no stream, or while it is down, queries poll instead.

import { useEffect, useSyncExternalStore } from 'react';
import { queryClient } from '../api/queries';
import { makeRefetcher } from './refetch';
import { followStream, StreamRefused, type Message } from './stream';

type State = 'off' | 'connecting' | 'live' | 'polling';

const topics = new Map<string, number>();
const listeners = new Set<() => void>();
let state: State = 'off';
let lastId = '';
let stop: AbortController | null = null;
let reopen: ReturnType<typeof setTimeout> | undefined;

function setState(next: State): void {
  if (state === next) return;
  state = next;
  listeners.forEach((listener) => listener());
}

const refetch = makeRefetcher((queryKey) => queryClient.invalidateQueries({ queryKey }));

/** What an event carries: the ids of what to fetch again. */
export type EventData = { agentId?: string; deploymentId?: string; approvalId?: string; seq?: number };

/** Which queries an event makes stale. */
export function staleKeys(event: string, { agentId }: EventData): Array<readonly unknown[]> {
  switch (event) {
    case 'agent.changed':
    case 'deployment.changed':
      return agentId ? [['agents'], ['agent', agentId]] : [['agents'], ['agent']];
    case 'approval.changed':
      return [['approvals']];
    case 'audit.appended':
      return [['audit']];
    case 'resync':
      return [['agents'], ['agent'], ['approvals'], ['audit']];
    default:
      return [];
  }
}

function receive(message: Message): void {
  if (message.id) lastId = message.id;
  let data: EventData = {};
  try { data = JSON.parse(message.data); } catch { /* an event without a body still says its name */ }
  refetch(...staleKeys(message.event, data));
}

async function run(control: AbortController): Promise<void> {
  let pause = 1000;
  while (!control.signal.aborted) {
    try {
      const url = `/api/events?topics=${[...topics.keys()].map(encodeURIComponent).join(',')}`;
      const first = lastId === '';
      await followStream({
        url, lastId, signal: control.signal, onMessage: receive,
        onOpen: () => {
          pause = 1000;
          // Without an id to resume from, what changed between the first fetch and now is unknown.
          if (first) refetch(...staleKeys('resync', {}));
          setState('live');
        },
      });
    } catch (error) {
      if (control.signal.aborted) return;
      setState('polling');
      // No such call on this server: polling it is.
      if (error instanceof StreamRefused && [404, 405, 501].includes(error.status)) return;
    }
    if (control.signal.aborted) return;
    setState('polling');
    await waited(pause * (0.8 + 0.4 * Math.random()));
    pause = Math.min(pause * 2, 30_000);
  }
}

// Somebody looks at the page again, or the network is back: the next attempt is due now.
let wake: () => void = () => {};
const waited = (ms: number) => new Promise<void>((done) => {
  const timer = setTimeout(done, ms);
  wake = () => {
    clearTimeout(timer);
    done();
  };
});
window.addEventListener('online', () => wake());
document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(); });

function restart(): void {
  clearTimeout(reopen);
  reopen = setTimeout(() => {
    stop?.abort();
    stop = null;
    if (topics.size === 0) return setState('off');
    if (state === 'off') setState('connecting');
    stop = new AbortController();
    void run(stop);
  }, 50);
}

/** Keeps this topic in the stream while the component is shown: `agents`, `agent:<id>`, `approvals`, `audit`. */
export function useTopic(topic: string | null): void {
  useEffect(() => {
    if (!topic) return;
    topics.set(topic, (topics.get(topic) ?? 0) + 1);
    if (topics.get(topic) === 1) restart();
    return () => {
      const left = (topics.get(topic) ?? 1) - 1;
      if (left > 0) topics.set(topic, left);
      else {
        topics.delete(topic);
        restart();
      }
    };
  }, [topic]);
}

const store = {
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => { listeners.delete(listener); };
  },
  get: () => state,
};

export const useLiveState = (): State => useSyncExternalStore(store.subscribe, store.get);

/** For `refetchInterval`: false while events arrive, else every `ms`. */
export function usePolling(ms: number): number | false {
  return useLiveState() === 'live' ? false : ms;
}
