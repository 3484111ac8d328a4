// Agents as the API lists them, for tests that play it.

const STATES = [
  { status: 'running', desiredState: 'running' },
  { status: 'running', desiredState: 'running' },
  { status: 'stopped', desiredState: 'stopped' },
  { status: 'error', desiredState: 'running', statusReason: 'The container ended with code 78 five times; it is not started again by itself.' },
];
const id = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const HOUR = 3_600_000;

export const agentOf = (number, more = {}) => {
  const { status, desiredState, statusReason = null } = STATES[number % STATES.length];
  return {
    id: id(number), name: `agent ${number}`, runtime: 'openclaw', runtimeVersion: '2026.3.1', status, desiredState, statusReason,
    config: {}, permissions: { scopes: ['email:read'] }, resources: { cpus: 1, memoryMb: 512, pids: 256, diskMb: 1024 }, host: null, endpoint: null, generation: 1,
    deployment: deploymentOf('live'), createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z',
    usage: status === 'running' ? { cpuPercent: (number * 37) % 101, memoryBytes: 2 ** 20 * (40 + ((number * 53) % 400)), memoryLimitBytes: 2 ** 29 } : null,
    spend: { todayUsd: ((number * 17) % 500) / 100, capUsd: 5 }, restarts: number % 7 === 0 ? 2 : 0,
    lastAction: { at: new Date(Date.UTC(2026, 0, 1) + ((number * 7919) % 500) * HOUR).toISOString(), action: 'email_sent' },
    ...more,
  };
};

let deployments = 0;
export const deploymentOf = (state, more = {}) => ({
  id: `00000000-0000-4000-9000-${String((deployments += 1)).padStart(12, '0')}`, kind: 'create', state, generation: 1, steps: [], exitCode: null, lastOutput: null,
  reason: null, createdAt: '2026-01-01T00:00:00Z', endedAt: ['live', 'failed', 'rolled_back', 'cancelled'].includes(state) ? '2026-01-01T00:01:00Z' : null, ...more,
});

export const manyAgents = (count) => Array.from({ length: count }, (_, index) => agentOf(index + 1));
