// What happened since the last look, from one state of the server and the next.

import type { Agent } from '../api/types';
import { hasEnded } from './agent_state';

/** The deployments that have ended, by agent; null for one that runs. */
export type Ends = ReadonlyMap<string, string | null>;
export type End = { agent: Agent; good: boolean; text: string };

export const endsOf = (agents: readonly Agent[]): Ends =>
  new Map(agents.map(({ id, deployment }) => [id, hasEnded(deployment) ? deployment?.id ?? null : null]));

function textOf({ name, deployment, statusReason }: Agent): string | null {
  const reason = deployment?.reason ?? statusReason;
  switch (deployment?.state) {
    case 'live': return `${name} is live.`;
    case 'failed': return `${name} could not be deployed${reason ? `: ${reason}` : '.'}`;
    case 'rolled_back': return `${name}: the change did not work, and the version before runs again.`;
    default: return null;
  }
}

/** Deployments that ended since `before`; one that was replaced by a later one is not told. */
export function newEnds(before: Ends, agents: readonly Agent[]): End[] {
  return agents.flatMap((agent) => {
    const { id, deployment } = agent;
    if (!deployment || !hasEnded(deployment) || before.get(id) === deployment.id) return [];
    const text = textOf(agent);
    return text ? [{ agent, good: deployment.state === 'live', text }] : [];
  });
}
