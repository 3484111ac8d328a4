import { useMutation } from '@tanstack/react-query';
import { memo, useState } from 'react';
import { Link } from 'wouter';
import type { AuditRecord } from '../../api/types';
import { useSession } from '../../app/guards';
import { actionWords } from '../../app/action_words';
import { Badge, Button, Code, CopyButton, ErrorNotice, IconChevronRight, Notice, Pair, Pairs, Time } from '../../ui';
import { hashOf, recordWithHash } from './chain';
import { ACTORS, namedTarget, OUTCOMES, type Entry, type Outcome } from './filters';

const TONE = { success: 'good', denied: 'bad', failure: 'warn', pending: undefined } as const;
export const OutcomeBadge = ({ outcome }: { outcome: Outcome }) => (
  <Badge tone={TONE[outcome]}>{OUTCOMES.find((one) => one.value === outcome)?.word ?? outcome}</Badge>
);

export type Names = { agents: ReadonlyMap<string, string>; users: ReadonlyMap<string, string> };

function actorText(record: AuditRecord, names: Names): string {
  const { type, id } = record.actor;
  if (type === 'agent') return names.agents.get(id ?? record.agentId ?? '') ?? 'A deleted agent';
  if (type === 'user') return names.users.get(id ?? '') ?? 'A member';
  return ACTORS.find((one) => one.value === type)?.word ?? type;
}

// Why it was refused or failed, from the record itself.
function reasonOf(record: AuditRecord): string | null {
  const { reason, detail } = record.metadata as Record<string, unknown>;
  const text = typeof detail === 'string' && detail ? detail : reason;
  return typeof text === 'string' && text ? text : null;
}

type Props = { entry: Entry; names: Names; utc: boolean; showAgent: boolean };

export const EntryRow = memo(function EntryRow({ entry, names, utc, showAgent }: Props) {
  const [open, setOpen] = useState(false);
  const { record, outcome, end } = entry;
  const reason = outcome === 'denied' || outcome === 'failure' ? reasonOf(end ?? record) : null;
  const id = `entry-${entry.key}`;
  return (
    <li className="entry" data-outcome={outcome}>
      <button type="button" className="entry-line" aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}>
        <span className="entry-arrow"><IconChevronRight size={14} /></span>
        <span className="entry-time muted"><Time at={record.createdAt} exact={utc} /></span>
        <span className="entry-what">
          <span className="entry-action">{actionWords(record.actionType)}</span>
          {namedTarget(record) && <span className="entry-target mono">{namedTarget(record)}</span>}
          {reason && <span className="entry-reason small">{reason}</span>}
        </span>
        <span className="entry-actor muted"><span className="truncate">{actorText(record, names)}</span>{showAgent && record.agentId && record.actor.type !== 'agent' ? <span className="small truncate"> on {names.agents.get(record.agentId) ?? 'a deleted agent'}</span> : null}</span>
        <span className="entry-outcome"><OutcomeBadge outcome={outcome} /></span>
      </button>
      {open && <div className="entry-more" id={id}><Details entry={entry} names={names} /></div>}
    </li>
  );
});

function Details({ entry, names }: { entry: Entry; names: Names }) {
  const { record, end } = entry;
  const json = JSON.stringify(record, null, 2);
  return (
    <div className="stack">
      <Pairs>
        <Pair name="Record">{end ? `${record.seq}, ended by ${end.seq}` : record.seq}</Pair>
        <Pair name="Time"><Time at={record.createdAt} exact /></Pair>
        <Pair name="Type"><code>{record.actionType}</code></Pair>
        {record.agentId && <Pair name="Agent"><Link href={`/agents/${record.agentId}`}>{names.agents.get(record.agentId) ?? record.agentId}</Link></Pair>}
        {record.target && <Pair name="Target"><code className="wrap-anywhere">{record.target}</code></Pair>}
        {record.ip && <Pair name="From address"><code>{record.ip}</code></Pair>}
      </Pairs>
      <Json title="The record" text={json} />
      {end && <Json title="How it ended" text={JSON.stringify(end, null, 2)} />}
      <HashOf record={record} />
    </div>
  );
}

function Json({ title, text }: { title: string; text: string }) {
  return (
    <section className="stack-2">
      <div className="row-between"><h3>{title}</h3><CopyButton text={text} label="Copy JSON" /></div>
      <Code label={`${title} as JSON`}>{text}</Code>
    </section>
  );
}

function HashOf({ record }: { record: AuditRecord }) {
  const { client } = useSession();
  const look = useMutation({
    mutationFn: async () => {
      const found = await recordWithHash(record.seq, record.createdAt);
      return found && { found, fits: (await hashOf(found, client.id)) === found.hash };
    },
    meta: { shown: true },
  });
  if (look.data) {
    const { found, fits } = look.data;
    return (
      <div className="stack-2">
        <Pairs>
          <Pair name="Hash"><code className="wrap-anywhere">{found.hash}</code></Pair>
          <Pair name="Hash before"><code className="wrap-anywhere">{found.prevHash}</code></Pair>
        </Pairs>
        <Notice tone={fits ? 'good' : 'bad'}>{fits ? 'Your browser hashed this record and got the same.' : 'This record does not fit its hash: it was changed.'}</Notice>
      </div>
    );
  }
  return (
    <div className="row-wrap">
      <Button size="small" busy={look.isPending} onClick={() => look.mutate()}>Show and check its hash</Button>
      {look.data === null && <span className="muted small">It could not be found any more.</span>}
      <ErrorNotice error={look.error} />
    </div>
  );
}
