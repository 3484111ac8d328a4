import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { usePolling } from '../../live/live';
import { Button, EmptyState, ErrorNotice, IconApproval, Skeleton } from '../../ui';
import { count } from '../../ui/format';
import { Card } from './card';
import { keep } from './keep';
import { approvalsQuery, type Approval } from './queries';

const requests = (number: number) => `${count(number)} new ${number === 1 ? 'request' : 'requests'}`;

/** What waits for a person. It changes only where nobody's pointer is: see keep.ts. */
export function Waiting({ agent }: { agent: string | null }) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({ ...approvalsQuery(agent, 'pending'), refetchInterval: usePolling(5000) });
  const listed = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const [shown, setShown] = useState<Approval[]>([]);
  const [seen, setSeen] = useState<Approval[]>([]);
  const kept = keep(shown, listed);
  if (listed !== seen) {
    setSeen(listed);
    setShown(kept.shown);
  }

  if (!data) return error ? <ErrorNotice error={error} title="The requests could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading requests" />;
  const waiting = new Set(listed.map((one) => one.id));
  const total = data.pages.at(-1)?.pending ?? 0;
  const more = Math.max(0, total - listed.length);
  const decided = kept.shown.filter((one) => !waiting.has(one.id));
  return (
    <div className="stack">
      {error && <ErrorNotice error={error} title="Not up to date: the server does not answer" retry={() => void refetch()} />}
      <p className="sr-only" role="status">{kept.arrived.length > 0 ? `${requests(kept.arrived.length)} came in` : ''}</p>
      {(kept.arrived.length > 0 || decided.length > 0) && (
        <div className="approval-bar row-wrap">
          {kept.arrived.length > 0 && <Button variant="primary" size="small" onClick={() => setShown([...kept.arrived, ...kept.shown])}>Show {requests(kept.arrived.length)}</Button>}
          {decided.length > 0 && <Button size="small" onClick={() => setShown(listed)}>Put away {decided.length} that {decided.length === 1 ? 'is' : 'are'} decided</Button>}
        </div>
      )}
      {kept.shown.length === 0 && (
        <EmptyState icon={<IconApproval size={20} />} title="Nothing waits for you">
          Choose “A person approves each time” in an agent’s permissions, and its requests appear here before they go out.
        </EmptyState>
      )}
      {kept.shown.map((one) => <Card key={one.id} approval={one} listed={waiting.has(one.id)} />)}
      {hasNextPage && (
        <div className="row-wrap approval-more">
          <span className="muted num">{more > 0 ? `${count(more)} more wait.` : 'More wait.'}</span>
          <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>Show more</Button>
        </div>
      )}
    </div>
  );
}
