import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { scopeTitle } from '../../app/permission_words';
import { usePolling } from '../../live/live';
import { Button, EmptyState, ErrorNotice, IconClock, Skeleton, Time } from '../../ui';
import { Outcome } from './outcome';
import { approvalQuery, approvalsQuery, type Approval, type ApprovalState } from './queries';
import { Request } from './request';

export const ENDS: ReadonlyArray<{ state: ApprovalState | undefined; title: string }> = [
  { state: undefined, title: 'All' },
  { state: 'used', title: 'Sent' },
  { state: 'granted', title: 'Allowed' },
  { state: 'denied', title: 'Refused' },
  { state: 'expired', title: 'Expired' },
];

/** What was decided or has expired: by whom, and when. */
export function History({ agent, state, onState }: { agent: string | null; state: ApprovalState | undefined; onState: (state: ApprovalState | undefined) => void }) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({ ...approvalsQuery(agent, state), refetchInterval: usePolling(15_000) });
  // Without a state the server lists what waits, too.
  const items = useMemo(() => data?.pages.flatMap((page) => page.items).filter((one) => one.state !== 'pending') ?? [], [data]);
  return (
    <div className="stack">
      <div className="segments approval-ends" role="group" aria-label="Ended how">
        {ENDS.map((one) => <button key={one.title} type="button" aria-pressed={one.state === state} onClick={() => onState(one.state)}>{one.title}</button>)}
      </div>
      {error && <ErrorNotice error={error} title={data ? 'Not up to date: the server does not answer' : 'The history could not be loaded'} retry={() => void refetch()} />}
      {!data && !error && <Skeleton label="Loading the history" />}
      {data && items.length === 0 && !hasNextPage && <EmptyState icon={<IconClock size={20} />} title="Nothing here yet">Requests that somebody decided, or that nobody decided in time, stay here.</EmptyState>}
      {items.length > 0 && <ul className="approval-history" aria-label="History">{items.map((one) => <Past key={one.id} approval={one} />)}</ul>}
      {hasNextPage && <div className="approval-more"><Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>Show more</Button></div>}
    </div>
  );
}

function Past({ approval }: { approval: Approval }) {
  const [open, setOpen] = useState(false);
  const subject = approval.request?.message?.subject;
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span className="approval-past">
            <span className="row-between">
              <span className="wrap-anywhere"><strong>{approval.agentName}</strong>: {scopeTitle(approval.scope)}{subject && <>, “{subject}”</>}</span>
              <span className="muted small approval-when">asked <Time at={approval.createdAt} /></span>
            </span>
            <span className="muted small wrap-anywhere">{approval.target}</span>
            <Outcome approval={approval} />
          </span>
        </summary>
        {open && <Details approval={approval} />}
      </details>
    </li>
  );
}

function Details({ approval }: { approval: Approval }) {
  const { data, error, refetch } = useQuery({ ...approvalQuery(approval.agentId, approval.id), enabled: approval.request === null });
  const request = approval.request ?? data?.request ?? null;
  if (request) return <Request approval={approval} request={request} />;
  if (error) return <ErrorNotice error={error} title="The request could not be loaded" retry={() => void refetch()} />;
  if (data) return <p className="muted">It was large: only its digest is kept, <span className="mono wrap-anywhere">{approval.digest}</span>.</p>;
  return <Skeleton label="Loading the request" />;
}
