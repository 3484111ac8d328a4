// What an agent is doing, in one word, from what the server says of it.

import type { Agent, Deployment, DeploymentState } from '../api/types';
import type { Tone } from '../ui/display';

export type AgentState = { word: string; tone: Tone; reason: string | null; rank: number };

const STEP: Record<string, string> = { queued: 'Queued', pulling: 'Getting image', creating: 'Creating', starting: 'Starting', verifying: 'Verifying' };

/** `rank` sorts by urgency: what needs a person comes first. */
export function stateOf(agent: Agent): AgentState {
  const reason = agent.statusReason ?? null;
  if (agent.desiredState === 'deleted') return { word: 'Deleting', tone: 'busy', reason, rank: 2 };
  switch (agent.status) {
    case 'error':
      return { word: 'Error', tone: 'bad', reason: reason ?? agent.deployment?.reason ?? null, rank: 0 };
    case 'provisioning':
      return { word: STEP[agent.deployment?.state ?? ''] ?? 'Starting', tone: 'busy', reason, rank: 1 };
    case 'running':
      if (agent.desiredState === 'stopped') return { word: 'Stopping', tone: 'busy', reason, rank: 2 };
      return { word: 'Running', tone: reason ? 'warn' : 'good', reason, rank: reason ? 1 : 3 };
    case 'stopped':
      if (agent.desiredState === 'running') return { word: 'Starting', tone: 'busy', reason, rank: 2 };
      return { word: 'Stopped', tone: 'idle', reason, rank: 4 };
  }
}

/** Which of the three orders make sense now. */
export const mayStart = (agent: Agent): boolean => agent.desiredState !== 'deleted' && (agent.desiredState === 'stopped' || agent.status === 'error');
export const mayStop = (agent: Agent): boolean => agent.desiredState === 'running';
export const mayRestart = (agent: Agent): boolean => agent.desiredState === 'running';

const ENDED: ReadonlySet<DeploymentState> = new Set(['live', 'failed', 'rolled_back', 'cancelled']);
/** Whether nothing more will happen in this deployment. */
export const hasEnded = (deployment: Pick<Deployment, 'state'> | null): boolean => deployment !== null && ENDED.has(deployment.state);

const ENDS: Record<number, string> = {
  0: 'It ended by itself', 78: 'Its settings were not accepted', 137: 'It was killed, most often because its memory was full', 143: 'It was told to stop',
};
/** Why an agent ended, as its exit code tells. */
export const endWords = (exitCode: number): string => ENDS[exitCode] ?? 'It ended with an error of its own';

/** The exit code in words, unless the reason names it already. */
export const exitWords = ({ reason, exitCode }: Pick<Deployment, 'reason' | 'exitCode'>): string =>
  (exitCode !== null && !reason?.includes(`code ${exitCode}`) ? ` Exit code ${exitCode}.` : '');
