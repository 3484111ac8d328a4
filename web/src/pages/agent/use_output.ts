// An agent's output, kept up to date by its stream. A stream that ends (the server ends it after ten
// minutes, a paused tab's may be cut) goes on after the last line that was seen.

import { useEffect, useState } from 'react';
import { api, ok } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import type { OutputLine } from '../../api/types';
import { followStream, StreamRefused } from '../../live/stream';
import { levelOf, plain, type Level } from './ansi';

export type Line = OutputLine & { text: string; level: Level };
export type FollowState = 'loading' | 'live' | 'waiting' | 'still';

const KEPT = 10_000;
const lineOf = (line: OutputLine): Line => {
  const text = plain(line.line);
  return { ...line, text, level: levelOf(text) };
};

function append(before: Line[], more: Line[]): Line[] {
  const last = before.at(-1)?.seq ?? -1;
  const fresh = more.filter((line) => line.seq > last);
  if (fresh.length === 0) return before;
  const all = [...before, ...fresh];
  return all.length > KEPT ? all.slice(-KEPT) : all;
}

export function useOutput(id: string, since: string | undefined, follow: boolean) {
  const [lines, setLines] = useState<Line[] | null>(null);
  const [state, setState] = useState<FollowState>('loading');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [round, setRound] = useState(0);
  const [cleared, setCleared] = useState(false);

  useEffect(() => {
    const control = new AbortController();
    const { signal } = control;
    let wake = () => {};
    let queue: Line[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Many lines at once become one drawing.
    const flush = () => {
      timer = undefined;
      const more = queue;
      queue = [];
      setLines((before) => append(before ?? [], more));
    };
    const onVisible = () => { if (!document.hidden) wake(); };
    document.addEventListener('visibilitychange', onVisible);

    async function run() {
      let lastSeq = 0;
      try {
        const { items } = await ok(api.GET('/api/agents/{id}/output', { params: { path: { id }, query: { tail: since ? 5000 : 2000, since } }, signal }));
        lastSeq = items.at(-1)?.seq ?? 0;
        setLines(items.map(lineOf));
        setCleared(false);
        setProblem(null);
      } catch (error) {
        if (signal.aborted) return;
        setProblem(asProblem(error));
        setState('still');
        return;
      }
      let pause = 1000;
      while (follow && !signal.aborted) {
        try {
          await followStream({
            url: `/api/agents/${id}/output?follow=true&tail=1`, lastId: String(lastSeq), signal,
            onOpen: () => {
              pause = 1000;
              setState('live');
            },
            onMessage: (message) => {
              if (message.event !== 'line') return;
              const line = lineOf(JSON.parse(message.data) as OutputLine);
              lastSeq = Math.max(lastSeq, line.seq);
              // Where nothing was written since, the stream begins with the first line of all.
              if (since !== undefined && line.at < since) return;
              queue.push(line);
              timer ??= setTimeout(flush, 60);
            },
          });
        } catch (error) {
          if (signal.aborted) return;
          if (error instanceof StreamRefused && error.status < 500 && error.status !== 429) {
            setProblem(asProblem(new Error(`The stream was refused (${error.status}).`)));
            break;
          }
        }
        if (signal.aborted) return;
        setState('waiting');
        await new Promise<void>((done) => { wake = done; setTimeout(done, pause); });
        pause = Math.min(pause * 2, 15_000);
      }
      if (!signal.aborted) setState('still');
    }
    setState('loading');
    void run();
    return () => {
      control.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [id, since, follow, round]);

  const clear = () => {
    setLines([]);
    setCleared(true);
  };
  return { lines, state, problem, retry: () => setRound((one) => one + 1), clear, cleared };
}
