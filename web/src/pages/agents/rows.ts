// What one line of the list shows, and how lines are found and sorted.

import type { Agent, AuditRecord, Health } from '../../api/types';
import { stateOf, type AgentState } from '../../app/agent_state';
import { actionWords } from '../../app/action_words';

export type Row = {
  agent: Agent;
  state: AgentState;
  cpu: number | null;
  memory: number | null;
  spent: number | null;
  cap: number | null;
  restarts: number | null;
  lastAt: string | null;
  lastAction: string | null;
};

export const COLUMNS = ['name', 'state', 'cpu', 'memory', 'spend', 'last', 'restarts'] as const;
export type ColumnId = (typeof COLUMNS)[number];

const COMPARE = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare;

// Numbers that are not known sort below zero.
const KEY: Record<ColumnId, (row: Row) => string | number> = {
  name: (row) => row.agent.name,
  state: (row) => row.state.rank,
  cpu: (row) => row.cpu ?? -1,
  memory: (row) => row.memory ?? -1,
  spend: (row) => row.spent ?? -1,
  last: (row) => (row.lastAt ? Date.parse(row.lastAt) : -1),
  restarts: (row) => row.restarts ?? -1,
};

export function rowsOf(agents: Agent[], recent: AuditRecord[], health: Map<string, Health>): Row[] {
  // The log is newest first: an agent's first record is its latest.
  const last = new Map<string, AuditRecord>();
  for (const record of recent) {
    if (record.agentId && !last.has(record.agentId)) last.set(record.agentId, record);
  }
  return agents.map((agent) => {
    const record = last.get(agent.id);
    return {
      agent, state: stateOf(agent),
      cpu: agent.usage ? agent.usage.cpuPercent / 100 : null, memory: agent.usage?.memoryBytes ?? null,
      spent: agent.spend?.todayUsd ?? null, cap: agent.spend?.capUsd ?? agent.permissions.maxDailyTokenSpend ?? null,
      restarts: agent.restarts ?? health.get(agent.id)?.restarts ?? null,
      lastAt: record?.createdAt ?? null, lastAction: record ? actionWords(record.actionType) : null,
    };
  });
}

/** Every word must occur in the name, the runtime, the state or its reason. */
export function matching(rows: Row[], words: string): Row[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return rows;
  return rows.filter(({ agent, state }) => {
    const text = `${agent.name} ${agent.runtime} ${agent.runtimeVersion} ${state.word} ${state.reason ?? ''} ${agent.id}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export type Sort = { id: ColumnId; down: boolean };

/** "-cpu" is by CPU, largest first. */
export function sortFrom(text: string | null): Sort {
  const down = text?.startsWith('-') ?? false;
  const id = COLUMNS.find((one) => one === (down ? text?.slice(1) : text));
  return id ? { id, down } : { id: 'name', down: false };
}
export const sortText = ({ id, down }: Sort): string => `${down ? '-' : ''}${id}`;

export function sortRows(rows: Row[], { id, down }: Sort): Row[] {
  const key = KEY[id];
  const sign = down ? -1 : 1;
  return rows.map((row) => ({ row, key: key(row) }))
    .sort((a, b) => {
      const order = typeof a.key === 'number' && typeof b.key === 'number' ? a.key - b.key : COMPARE(String(a.key), String(b.key));
      return sign * order || COMPARE(a.row.agent.name, b.row.agent.name);
    })
    .map((one) => one.row);
}
