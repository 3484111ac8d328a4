import './audit.css';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { api, ok } from '../../api/client';
import { agentsQuery } from '../../api/queries';
import { useSession } from '../../app/guards';
import { useParameters } from '../../app/use_parameters';
import { usePolling, useTopic } from '../../live/live';
import { Button, EmptyState, ErrorNotice, IconAudit, Skeleton } from '../../ui';
import { EntryRow, type Names } from './entry_row';
import { entriesOf, filtersFrom, isFiltered, queryOf, type Filters } from './filters';
import { FilterBar } from './filter_bar';

const PAGE = 50;

function useRecords(agentId: string | undefined, filters: Filters) {
  return useInfiniteQuery({
    queryKey: ['audit', agentId ?? 'all', filters],
    queryFn: ({ pageParam }) => {
      const query = { ...queryOf(filters, Date.now()), limit: PAGE, cursor: pageParam };
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
  const entries = useMemo(() => entriesOf(records.data?.pages.flatMap((page) => page.items) ?? []), [records.data]);

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
          <Button busy={records.isFetchingNextPage} onClick={() => void records.fetchNextPage()}>Older records</Button>
        </div>
      )}
    </div>
  );
}
