import './audit.css';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import { api, ok } from '../../api/client';
import { agentsQuery } from '../../api/queries';
import { useSession } from '../../app/guards';
import { useParameters } from '../../app/use_parameters';
import { usePolling, useTopic } from '../../live/live';
import { Button, EmptyState, ErrorNotice, IconAudit, Skeleton } from '../../ui';
import { count } from '../../ui/format';
import { EntryRow, type Names } from './entry_row';
import { entriesOf, filtersFrom, isFiltered, queryOf, type Filters } from './filters';
import { FilterBar } from './filter_bar';

const PAGE = 50;
// The server cannot filter by who did it: these pages are searched here, so many of them by themselves.
const SEARCHED_PAGE = 200;
const SEARCHED_PAGES = 10;

function useRecords(agentId: string | undefined, filters: Filters) {
  const { actor, ...asked } = filters;
  const limit = actor ? SEARCHED_PAGE : PAGE;
  return useInfiniteQuery({
    queryKey: ['audit', agentId ?? 'all', asked, limit],
    queryFn: ({ pageParam }) => {
      const query = { ...queryOf(filters, Date.now()), limit, cursor: pageParam };
      return ok(agentId
        ? api.GET('/api/agents/{id}/logs', { params: { path: { id: agentId }, query } })
        : api.GET('/api/audit', { params: { query: { ...query, agentId: filters.agent || undefined } } }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    refetchInterval: usePolling(10_000),
    placeholderData: (before) => before,
  });
}

type Goal = { of: string; entries: number; pages: number };

/** With a filter by actor, looks on for older records until enough of them fit or many were looked at. */
function useSearch(records: ReturnType<typeof useRecords>, filters: Filters, entries: number) {
  const of = JSON.stringify(filters);
  const [asked, setAsked] = useState<Goal | null>(null);
  const goal = asked?.of === of ? asked : { of, entries: PAGE, pages: SEARCHED_PAGES };
  const pages = records.data?.pages.length ?? 0;
  const searching = filters.actor !== '' && records.hasNextPage && !records.error && !records.isPlaceholderData && entries < goal.entries && pages < goal.pages;
  const { isFetching, fetchNextPage } = records;
  useEffect(() => { if (searching && !isFetching) void fetchNextPage(); }, [searching, isFetching, fetchNextPage]);
  const older = () => {
    setAsked({ of, entries: entries + PAGE, pages: pages + SEARCHED_PAGES });
    void fetchNextPage();
  };
  return { searching, older };
}

/** The audit log of one agent, or of the whole client. */
export function AuditViewer({ agentId }: { agentId?: string }) {
  const { user } = useSession();
  const [search, put] = useParameters();
  const [verifying, setVerifying] = useState(false);
  useTopic('audit');
  const filters = useMemo(() => filtersFrom(search), [search]);
  const records = useRecords(agentId, useDeferredValue(filters));
  const { data: agents } = useQuery(agentsQuery);
  const names = useMemo<Names>(() => ({
    agents: new Map(agents?.map((agent) => [agent.id, agent.name])), users: new Map([[user.id, user.email]]),
  }), [agents, user]);
  const utc = search.get('time') === 'utc';
  const entries = useMemo(() => {
    const all = entriesOf(records.data?.pages.flatMap((page) => page.items) ?? []);
    return filters.actor ? all.filter((entry) => entry.record.actor.type === filters.actor) : all;
  }, [records.data, filters.actor]);

  const { searching, older } = useSearch(records, filters, entries.length);
  const looked = records.data?.pages.reduce((sum, page) => sum + page.items.length, 0) ?? 0;

  const clear = () => put(Object.fromEntries(Object.keys(filters).map((name) => [name, undefined])));

  return (
    <div className="stack">
      <FilterBar filters={filters} put={put} agents={agentId ? null : agents ?? []} agentId={agentId} utc={utc} verifying={verifying} setVerifying={setVerifying} />
      {records.error && <ErrorNotice error={records.error} title="The log could not be loaded" retry={() => void records.refetch()} />}
      {records.isPending && !records.error && <Skeleton label="Loading the audit log" />}
      {entries.length > 0 && (
        <ul className="entries" aria-label="Audit records, newest first" aria-busy={records.isPlaceholderData || undefined}>
          {entries.map((entry) => <EntryRow key={entry.key} entry={entry} names={names} utc={utc} showAgent={!agentId} />)}
        </ul>
      )}
      {records.data && entries.length === 0 && !records.hasNextPage && (
        isFiltered(filters)
          ? <EmptyState icon={<IconAudit size={20} />} title="No record fits" actions={<Button onClick={clear}>Clear the filters</Button>}>Take a filter away or look at a longer time.</EmptyState>
          : <EmptyState icon={<IconAudit size={20} />} title="Nothing has happened yet">Every action, and everything that was refused, will be listed here.</EmptyState>
      )}
      {records.hasNextPage && (
        <div className="entries-more">
          {filters.actor && <span className="muted small" role="status">{searching ? 'Looking further back…' : `Found among the newest ${count(looked)} records that fit the other filters.`}</span>}
          <Button busy={searching || records.isFetchingNextPage} onClick={older}>Older records</Button>
        </div>
      )}
    </div>
  );
}
