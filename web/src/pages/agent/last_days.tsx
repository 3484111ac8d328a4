import { useQuery } from '@tanstack/react-query';
import type { Permissions } from '../../api/types';
import { scopeTitle } from '../../app/permission_words';
import { ErrorNotice, Notice, Skeleton, Time } from '../../ui';
import { count } from '../../ui/format';
import { replay, type ReplayChange } from './queries';

/** What these permissions would have done to the last 30 days. */
export function LastDays({ agentId, permissions }: { agentId: string; permissions: Permissions }) {
  const { data, error, isPending, refetch } = useQuery({
    // Not below ['agent', id]: an event of the agent need not replay 30 days again.
    queryKey: ['replay', agentId, JSON.stringify(permissions)], queryFn: ({ signal }) => replay(agentId, permissions, signal), retry: false,
  });
  const limited = data?.rateLimits.filter((one) => one.refused > 0) ?? [];
  const same = data && data.newlyDenied.length + data.newlyAllowed.length + limited.length === 0;
  return (
    <>
      <h3>On the last 30 days</h3>
      {isPending && <Skeleton label="Replaying the last 30 days" />}
      <ErrorNotice error={error} title="The last 30 days could not be replayed" retry={() => void refetch()} />
      {data === null && <p className="muted">This server cannot replay permissions.</p>}
      {same && <Notice tone="good">{sameWords(data.counts.examined)}</Notice>}
      {data && !data.complete && <p className="muted small">There were too many different requests to look at all of them.</p>}
      <Changes title="Would now be refused" changes={data?.newlyDenied ?? []} />
      <Changes title="Would now be allowed" changes={data?.newlyAllowed ?? []} />
      {limited.map((one) => (
        <p key={one.scope} className="small">The limit of “{scopeTitle(one.scope)}” ({count(one.maxPerHour)} an hour, {count(one.maxPerDay)} a day) would have refused {count(one.refused)} of {count(one.attempts)} requests.</p>
      ))}
    </>
  );
}

/** Nothing that was asked for gets another answer. */
function sameWords(examined: number): string {
  if (examined === 0) return 'It made no requests in this time, so there is nothing to compare.';
  return examined === 1 ? 'No difference: its one request gets the same answer as before.' : `No difference: all ${count(examined)} requests get the same answer as before.`;
}

function Changes({ title, changes }: { title: string; changes: ReplayChange[] }) {
  if (changes.length === 0) return null;
  return (
    <section className="stack-2">
      <h4>{title}</h4>
      <ul className="stack-2 small">
        {changes.slice(0, 50).map((one) => (
          <li key={`${one.host} ${one.rule} ${one.scope}`} className="wrap-anywhere"><strong>{one.host}</strong>{one.scope && ` (${scopeTitle(one.scope)})`}, {count(one.count)} times, last <Time at={one.lastAt} />. <code>{one.example}</code></li>
        ))}
      </ul>
      {changes.length > 50 && <p className="muted small">and {changes.length - 50} more</p>}
    </section>
  );
}
