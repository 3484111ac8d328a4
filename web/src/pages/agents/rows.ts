// What one line of the list shows, and how lines are found and sorted.

import type { Agent } from '../../api/types';
import { actionWords } from '../../app/action_words';
import { stateOf, type AgentState } from '../../app/agent_state';

export type Row = {
  agent: Agent;
  state: AgentState;
  /** Percent of one core. */
  cpu: number | null;
  memory: number | null;
  memoryLimit: number;
  spent: number;
  cap: number;
  restarts: number;
  lastAt: string | null;
  lastAction: string | null;
  /** Its place when all are sorted by name: comparing numbers is what makes sorting quick. */
  nameRank: number;
};

export const COLUMNS = ['name', 'state', 'cpu', 'memory', 'spend', 'last', 'restarts'] as const;
export type ColumnId = (typeof COLUMNS)[number];

const compareNames = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare;

// What is not known sorts below zero.
const KEY: Record<ColumnId, (row: Row) => number> = {
  name: (row) => row.nameRank,
  state: (row) => row.state.rank,
  cpu: (row) => row.cpu ?? -1,
  memory: (row) => row.memory ?? -1,
  spend: (row) => row.spent,
  last: (row) => (row.lastAt ? Date.parse(row.lastAt) : -1),
  restarts: (row) => row.restarts,
};

function rowOf(agent: Agent, nameRank: number): Row {
  const { usage, spend, restarts, lastAction } = agent;
  return {
    agent, nameRank, state: stateOf(agent),
    cpu: usage?.cpuPercent ?? null,
    memory: usage?.memoryBytes ?? null,
    memoryLimit: usage?.memoryLimitBytes ?? agent.resources.memoryMb * 1_048_576,
    spent: spend.todayUsd,
    cap: spend.capUsd,
    restarts,
    lastAt: lastAction?.at ?? null,
    lastAction: lastAction ? actionWords(lastAction.action) : null,
  };
}

/** One row for each agent, in the order of their names. */
export function rowsOf(agents: Agent[]): Row[] {
  return [...agents].sort((a, b) => compareNames(a.name, b.name) || (a.id < b.id ? -1 : 1)).map(rowOf);
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

/** Equal rows stay in the order of their names, whichever way the column is sorted. */
export function sortRows(rows: Row[], { id, down }: Sort): Row[] {
  const key = KEY[id];
  const sign = down ? -1 : 1;
  return rows.map((row) => ({ row, key: key(row) }))
    .sort((a, b) => sign * (a.key - b.key) || a.row.nameRank - b.row.nameRank)
    .map((one) => one.row);
}

/** The columns that there is something to show in; a server without measurements has fewer. */
export function columnsOf(rows: Row[]): ColumnId[] {
  const some: Partial<Record<ColumnId, (row: Row) => boolean>> = {
    cpu: (row) => row.cpu !== null,
    memory: (row) => row.memory !== null,
    last: (row) => row.lastAt !== null,
  };
  return COLUMNS.filter((id) => rows.some(some[id] ?? (() => true)));
}

/** The order of the words `Sort` offers where there are no heads to press. */
export const SORTS: ReadonlyArray<{ id: ColumnId; text: string; title: string }> = [
  { id: 'name', text: 'name', title: 'Name' },
  { id: 'state', text: 'state', title: 'Needs attention first' },
  { id: 'cpu', text: '-cpu', title: 'Most CPU' },
  { id: 'memory', text: '-memory', title: 'Most memory' },
  { id: 'spend', text: '-spend', title: 'Most spend' },
  { id: 'last', text: '-last', title: 'Latest action' },
  { id: 'restarts', text: '-restarts', title: 'Most restarts' },
];

export type Filter = { id: string; title: string; fits: (row: Row) => boolean };
const everyone: Filter = { id: '', title: 'All', fits: () => true };
export const FILTERS: readonly Filter[] = [
  everyone,
  { id: 'attention', title: 'Need attention', fits: ({ state }) => state.tone === 'bad' || state.tone === 'warn' },
  { id: 'running', title: 'Running', fits: ({ agent }) => agent.status === 'running' },
  { id: 'stopped', title: 'Stopped', fits: ({ agent }) => agent.status === 'stopped' },
];
export const filterFrom = (text: string | null): Filter => FILTERS.find((one) => one.id === text) ?? everyone;
