import { useEffect, useState } from 'react';
import type { Deployment } from '../../api/types';
import { hasEnded } from '../../app/agent_state';
import { IconCheck, IconCross } from '../../ui';
import { duration } from '../../ui/format';

const ORDER = ['image', 'volume', 'config', 'create', 'start', 'network', 'verify'];
const WORDS: Record<string, { title: string; now: string }> = {
  queued: { title: 'Queued', now: 'Waiting for its turn.' },
  image: { title: 'Fetch its program', now: 'The first time on a server this takes longest.' },
  volume: { title: 'Prepare its storage', now: 'A disk of its own, of fixed size.' },
  config: { title: 'Write its settings', now: 'With placeholders where keys would be.' },
  create: { title: 'Build its box', now: 'A container without any way out.' },
  start: { title: 'Start it', now: 'The agent starts.' },
  network: { title: 'Connect it', now: 'One way out, through the gate that checks every request.' },
  verify: { title: 'Check that it works', now: 'It must answer three times in a row and stay up for ten seconds.' },
  stop: { title: 'Stop the version before', now: 'It gets time to finish what it does.' },
  rollback: { title: 'Bring the version before back', now: 'The new one did not work.' },
  environment: { title: 'Wait for the host', now: 'The host has trouble of its own; this is not counted against the agent.' },
};

type Row = { name: string; state: 'done' | 'now' | 'bad' | 'todo'; took: number | null; detail: string | null };

/** Steps that were made, the one that runs, and those still to come. */
export function rowsOf(deployment: Deployment, now: number): Row[] {
  const ended = hasEnded(deployment);
  const rows: Row[] = deployment.steps.map((step, index) => {
    const last = index === deployment.steps.length - 1;
    const open = !step.endedAt;
    const state = last && ended && deployment.state !== 'live' ? 'bad' : open && !ended ? 'now' : 'done';
    const until = step.endedAt ? Date.parse(step.endedAt) : ended ? null : now;
    return { name: step.name, state, took: until === null ? null : Math.max(0, until - Date.parse(step.startedAt)), detail: step.detail ?? null };
  });
  if (ended) return rows;
  if (rows.length === 0) rows.push({ name: 'queued', state: 'now', took: now - Date.parse(deployment.createdAt), detail: null });
  const reached = Math.max(-1, ...rows.map((row) => ORDER.indexOf(row.name)));
  for (const name of ORDER.slice(reached + 1)) rows.push({ name, state: 'todo', took: null, detail: null });
  return rows;
}

export function ProgressSteps({ deployment }: { deployment: Deployment }) {
  const ended = hasEnded(deployment);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (ended) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [ended]);
  return (
    <ol className="progress-steps">
      {rowsOf(deployment, now).map((row, index) => (
        <li key={`${index}-${row.name}`} className="progress-step" data-state={row.state} aria-current={row.state === 'now' ? 'step' : undefined}>
          <span className="progress-mark" aria-hidden="true">
            {row.state === 'done' ? <IconCheck size={14} /> : row.state === 'bad' ? <IconCross size={14} /> : row.state === 'now' ? <span className="spinner" /> : null}
          </span>
          <div className="grow">
            <div>{WORDS[row.name]?.title ?? row.name}<span className="sr-only">{row.state === 'done' ? ', done' : row.state === 'bad' ? ', failed' : row.state === 'now' ? ', running' : ''}</span></div>
            {row.detail && row.detail !== 'done' ? <div className="muted small wrap-anywhere">{row.detail}</div>
              : row.state === 'now' ? <div className="muted small">{WORDS[row.name]?.now}</div> : null}
          </div>
          <span className="muted small num" aria-hidden="true">{row.took === null ? '' : duration(row.took)}</span>
        </li>
      ))}
    </ol>
  );
}
