// The viewer's filters live in the URL, so that a view can be linked and Back works.

import type { AuditRecord } from '../../api/types';
import { isoTime, OWN_TIME } from '../../app/local_time';

export type Outcome = AuditRecord['outcome'];
export type ActorType = AuditRecord['actor']['type'];

export type Filters = {
  q: string; action: string; outcome: Outcome | ''; target: string; actor: ActorType | '';
  agent: string; since: string; from: string; to: string;
};

export const OUTCOMES: Array<{ value: Outcome; word: string }> = [
  { value: 'success', word: 'Succeeded' }, { value: 'denied', word: 'Denied' }, { value: 'failure', word: 'Failed' }, { value: 'pending', word: 'Begun' },
];
export const ACTORS: Array<{ value: ActorType; word: string }> = [
  { value: 'user', word: 'Person' }, { value: 'agent', word: 'Agent' }, { value: 'api_key', word: 'API key' }, { value: 'system', word: 'Platform' }, { value: 'operator', word: 'Operator' },
];
export const SPANS: Array<{ value: string; word: string; ms: number }> = [
  { value: '1h', word: 'Last hour', ms: 3_600_000 }, { value: '24h', word: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', word: 'Last 7 days', ms: 604_800_000 }, { value: '30d', word: 'Last 30 days', ms: 2_592_000_000 },
];

export function filtersFrom(search: URLSearchParams): Filters {
  const text = (name: string) => search.get(name) ?? '';
  const known = <V extends string>(name: string, values: Array<{ value: V }>): V | '' => values.find((one) => one.value === search.get(name))?.value ?? '';
  return {
    q: text('q'), action: text('action'), outcome: known('outcome', OUTCOMES), target: text('target'), actor: known('actor', ACTORS),
    agent: text('agent'), since: known('since', [...SPANS, { value: OWN_TIME }]), from: text('from'), to: text('to'),
  };
}

export const isFiltered = (filters: Filters): boolean => Object.values(filters).some((value) => value !== '');

/** The query of GET /api/audit, of an agent's log and of the export. */
export function queryOf(filters: Filters, now: number) {
  const span = SPANS.find((one) => one.value === filters.since);
  return {
    actorType: filters.actor || undefined,
    actionType: filters.action || undefined,
    outcome: filters.outcome || undefined,
    target: filters.target || undefined,
    q: filters.q.trim() || undefined,
    from: span ? new Date(now - span.ms).toISOString() : isoTime(filters.from),
    to: span ? undefined : isoTime(filters.to),
  };
}

export type Entry = { key: string; record: AuditRecord; outcome: Outcome; end: AuditRecord | null };

/**
 * Records as what was done. A request is recorded before it leaves and again when it ended: these two
 * have the same `intent` and are one entry, with the outcome of the later one. Newest first, as given.
 */
export function entriesOf(records: AuditRecord[]): Entry[] {
  const ends = new Map<unknown, AuditRecord>();
  const out: Entry[] = [];
  for (const record of records) {
    const intent = (record.metadata as Record<string, unknown>)?.intent;
    const end = intent === undefined ? undefined : ends.get(intent);
    if (record.outcome === 'pending' && end) {
      const place = out.findIndex((entry) => entry.record === end);
      const found = out[place];
      if (found) {
        out[place] = { ...found, record, end };
        ends.delete(intent);
        continue;
      }
    }
    if (intent !== undefined && record.outcome !== 'pending') ends.set(intent, record);
    out.push({ key: String(record.seq), record, outcome: record.outcome, end: null });
  }
  return out;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** What was acted on, where it has a name: an id says nothing to a reader, and is in the record itself. */
export const namedTarget = ({ target }: AuditRecord): string | null => (target && !UUID.test(target) ? target : null);
