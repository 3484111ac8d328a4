import './agents.css';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useCallback, useDeferredValue, useMemo, useState } from 'react';
import { useSearchParams } from 'wouter';
import { api, ok } from '../../api/client';
import { agentsQuery } from '../../api/queries';
import { roleReaches, type Health } from '../../api/types';
import { Page } from '../../app/page';
import { useSession } from '../../app/guards';
import { usePolling, useTopic } from '../../live/live';
import { ButtonLink, Button, EmptyState, ErrorNotice, IconAgent, IconPlus, IconSearch, Skeleton } from '../../ui';
import { BulkBar } from './bulk_bar';
import { COLUMNS, matching, rowsOf, sortFrom, sortRows, sortText, type ColumnId, type Sort } from './rows';
import { AgentsTable } from './table';

// One call for each agent: only where they are few.
const HEALTH_UP_TO = 30;
const FILTERS = [
  { id: '', title: 'All', fits: () => true },
  { id: 'attention', title: 'Need attention', fits: (rank: number) => rank < 2 },
  { id: 'running', title: 'Running', fits: (rank: number) => rank === 3 || rank === 1 },
  { id: 'stopped', title: 'Stopped', fits: (rank: number) => rank === 4 },
];

function useRecent() {
  return useQuery({
    queryKey: ['audit', 'recent'],
    queryFn: async () => (await ok(api.GET('/api/audit', { params: { query: { limit: 200 } } }))).items,
    refetchInterval: 30_000,
  }).data;
}

function useHealth(ids: string[]): Map<string, Health> {
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: ['agent', id, 'health'],
      queryFn: () => ok(api.GET('/api/agents/{id}/health', { params: { path: { id } } })),
      staleTime: 30_000,
    })),
    combine: useCallback((answers: Array<{ data?: Health }>) => new Map(answers.flatMap(({ data }, index) => {
      const id = ids[index];
      return data && id ? [[id, data] as const] : [];
    })), [ids]),
  });
}

export default function Agents() {
  const { user } = useSession();
  useTopic('agents');
  const { data: agents, error, refetch } = useQuery({ ...agentsQuery, refetchInterval: usePolling(5000) });
  const recent = useRecent();
  const ids = useMemo(() => (agents && agents.length <= HEALTH_UP_TO && !agents.some((agent) => agent.restarts != null) ? agents.map((agent) => agent.id) : []), [agents]);
  const health = useHealth(ids);
  const rows = useMemo(() => rowsOf(agents ?? [], recent ?? [], health), [agents, recent, health]);
  const may = roleReaches(user.role, 'member');
  const deploy = may && <ButtonLink href="/agents/new" variant="primary"><IconPlus />Deploy an agent</ButtonLink>;

  if (!agents) {
    return (
      <Page title="Agents" actions={deploy}>
        {error ? <ErrorNotice error={error} title="The agents could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading agents" />}
      </Page>
    );
  }
  if (agents.length === 0) {
    return (
      <Page title="Agents">
        <EmptyState icon={<IconAgent size={20} />} title="Deploy your first agent"
          actions={may ? deploy : undefined}>
          {may
            ? 'It gets a box of its own: it reaches only what you allow, never sees your keys, and everything it does is in the audit log. It takes about a minute.'
            : 'There is no agent yet. Ask a member of your team to deploy one.'}
        </EmptyState>
      </Page>
    );
  }
  const running = rows.filter((row) => row.agent.status === 'running').length;
  const attention = rows.filter((row) => row.state.rank === 0).length;
  return (
    <Page title="Agents" actions={deploy} lead={`${running} of ${agents.length} running${attention > 0 ? `, ${attention} with an error` : ''}`}>
      {error && <ErrorNotice error={error} title="Not up to date: the server does not answer" retry={() => void refetch()} />}
      <List rows={rows} may={may} />
    </Page>
  );
}

function List({ rows, may }: { rows: ReturnType<typeof rowsOf>; may: boolean }) {
  const [search, setSearch] = useSearchParams();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const words = search.get('q') ?? '';
  const filter = FILTERS.find((one) => one.id === (search.get('show') ?? '')) ?? FILTERS[0];
  const sortParameter = search.get('sort');
  const sort = useMemo(() => sortFrom(sortParameter), [sortParameter]);
  const deferredWords = useDeferredValue(words);
  const shown = useMemo(() => sortRows(matching(rows, deferredWords).filter((row) => filter?.fits(row.state.rank)), sort), [rows, deferredWords, filter, sort]);
  const columns = useColumns(rows);
  const chosen = useMemo(() => rows.filter((row) => selected.has(row.agent.id)).map((row) => row.agent), [rows, selected]);

  const put = (name: string, value: string) => setSearch((before) => {
    const next = new URLSearchParams(before);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  }, { replace: true });
  const onSelect = useCallback((id: string, on: boolean) => setSelected((before) => {
    const next = new Set(before);
    if (on) next.add(id);
    else next.delete(id);
    return next;
  }), []);
  const setSort = (next: Sort) => put('sort', sortText(next) === 'name' ? '' : sortText(next));

  return (
    <div className="stack">
      <div className="filters">
        <div className="input-search">
          <IconSearch size={14} />
          <input className="input" type="search" aria-label="Search agents" placeholder="Search by name, runtime or status" value={words} onChange={(event) => put('q', event.target.value)} />
        </div>
        <div className="segments" role="group" aria-label="Show">
          {FILTERS.map((one) => (
            <button key={one.id} type="button" aria-pressed={one === filter} onClick={() => put('show', one.id)}>{one.title}</button>
          ))}
        </div>
        <label className="agents-sort small">
          <span className="muted">Sort</span>
          <select className="input" value={sortText(sort)} onChange={(event) => setSort(sortFrom(event.target.value))}>
            <option value="name">Name</option>
            <option value="state">Needs attention first</option>
            {columns.includes('cpu') && <option value="-cpu">Most CPU</option>}
            {columns.includes('memory') && <option value="-memory">Most memory</option>}
            <option value="-spend">Most spend</option>
            <option value="-last">Latest action</option>
            {columns.includes('restarts') && <option value="-restarts">Most restarts</option>}
            {!['name', 'state', '-cpu', '-memory', '-spend', '-last', '-restarts'].includes(sortText(sort)) && <option value={sortText(sort)}>As chosen</option>}
          </select>
        </label>
      </div>
      <BulkBar agents={chosen} onClear={() => setSelected(new Set())} />
      {shown.length > 0
        ? (
          <AgentsTable rows={shown} columns={columns} sort={sort} onSort={setSort} selected={selected} onSelect={onSelect} selectable={may}
            onSelectAll={(on) => setSelected(on ? new Set(shown.map((row) => row.agent.id)) : new Set())} />
        )
        : (
          <EmptyState icon={<IconSearch size={20} />} title="No agent fits" actions={<Button onClick={() => setSearch(new URLSearchParams())}>Show all</Button>}>
            {words ? `Nothing has “${words}” in its name, runtime or status.` : 'No agent is in this state.'}
          </EmptyState>
        )}
      <p className="sr-only" role="status">{shown.length} shown</p>
    </div>
  );
}

// A column that this server has nothing for is left out.
function useColumns(rows: ReturnType<typeof rowsOf>): ColumnId[] {
  const key = [rows.some((row) => row.cpu !== null), rows.some((row) => row.memory !== null), rows.some((row) => row.restarts !== null)].join();
  return useMemo(() => {
    const [cpu, memory, restarts] = key.split(',').map((word) => word === 'true');
    return COLUMNS.filter((id) => (id === 'cpu' ? cpu : id === 'memory' ? memory : id === 'restarts' ? restarts : true));
  }, [key]);
}
