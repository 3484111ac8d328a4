import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Permissions } from '../../api/types';
import { ConfirmDialog, ErrorNotice, Notice, Skeleton, Time } from '../../ui';
import { count } from '../../ui/format';
import { replay, type ReplayChange } from './queries';
import { PermissionChanges } from './sentences';

const ownFiles = ({ scopes }: Permissions) => (scopes.includes('files:write') ? 'write' : scopes.includes('files:read') ? 'read' : 'none');

/** What a draft changes, in words and on the last 30 days, before it is saved. */
export function ReviewDialog({ title, action, note, agentId, before, after, onClose, onSave }: {
  title: string; action: string; note?: ReactNode; agentId: string; before: Permissions; after: Permissions; onClose: () => void; onSave: () => Promise<unknown>;
}) {
  const { data, error, isPending } = useQuery({
    queryKey: ['agent', agentId, 'replay', JSON.stringify(after)], queryFn: ({ signal }) => replay(agentId, after, signal), retry: false,
  });
  const limited = data?.rateLimits.filter((one) => one.refused > 0) ?? [];
  const same = data && data.newlyDenied.length + data.newlyAllowed.length + limited.length === 0;
  return (
    <ConfirmDialog open onClose={onClose} title={title} action={action} onConfirm={onSave}>
      {note}
      <PermissionChanges before={before} after={after} />
      {ownFiles(before) !== ownFiles(after) && <Notice tone="info">What it sees of its own files changes, so it is deployed again.</Notice>}
      <h3>On the last 30 days</h3>
      {isPending && <Skeleton label="Replaying the last 30 days" />}
      <ErrorNotice error={error} title="The last 30 days could not be replayed" />
      {data === null && <p className="muted">This server cannot replay permissions.</p>}
      {same && <Notice tone="good">Nothing would have been decided otherwise ({count(data.counts.examined)} requests).</Notice>}
      {data && !data.complete && <p className="muted small">There were too many different requests to look at all.</p>}
      <Changes title="Would now be refused" changes={data?.newlyDenied ?? []} />
      <Changes title="Would now be allowed" changes={data?.newlyAllowed ?? []} />
      {limited.map((one) => (
        <p key={one.scope} className="small">The limit of {one.scope} ({count(one.maxPerHour)} an hour, {count(one.maxPerDay)} a day) would have refused {count(one.refused)} of {count(one.attempts)}.</p>
      ))}
    </ConfirmDialog>
  );
}

function Changes({ title, changes }: { title: string; changes: ReplayChange[] }) {
  if (changes.length === 0) return null;
  return (
    <section className="stack-2">
      <h4>{title}</h4>
      <ul className="stack-2 small">
        {changes.slice(0, 50).map((one) => (
          <li key={`${one.host} ${one.rule} ${one.scope}`} className="wrap-anywhere"><strong>{one.host}</strong>{one.scope && ` (${one.scope})`}, {count(one.count)} times, last <Time at={one.lastAt} />. <code>{one.example}</code></li>
        ))}
      </ul>
      {changes.length > 50 && <p className="muted small">and {changes.length - 50} more</p>}
    </section>
  );
}
