import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { ifMatch, rawWithTag } from '../../api/client';
import type { AdminClientDetail, Limits } from '../../api/contract';
import { asProblem, type Problem } from '../../api/problem';
import { limitName, limitValue } from '../../app/limit_words';
import { Button, Card, ErrorNotice, Notice, SelectField, Skeleton, TextField, toast } from '../../ui';
import { clientPath, clientQuery, plansQuery } from './queries';

type Draft = { plan: string; own: Record<string, string> };

const inOrder = <V,>(values: Record<string, V>) => Object.entries(values).sort(([a], [b]) => a.localeCompare(b));
const textOf = (limits: Limits) => Object.fromEntries(inOrder(limits).map(([key, value]) => [key, value === null ? '' : String(value)]));
const draftOf = (client: AdminClientDetail): Draft => ({ plan: client.plan, own: textOf(client.overrides) });
/** What the fields say as overrides: an empty one is the plan's. */
const overridesOf = (own: Draft['own']): Limits => Object.fromEntries(inOrder(own).filter(([, text]) => text.trim() !== '').map(([key, text]) => [key, Number(text)]));
const sameLimits = (one: Limits, other: Limits) => JSON.stringify(one) === JSON.stringify(other);
const isNumber = (text: string) => text.trim() === '' || (Number.isFinite(Number(text)) && Number(text) >= 0);

const rulesOf = (client: AdminClientDetail): Limits => overridesOf(textOf(client.overrides));

/** The plan and what differs from it. A draft is made from one version, and a save carries the tag of that version. */
export function PlanForm({ client, etag }: { client: AdminClientDetail; etag: string | null }) {
  const queries = useQueryClient();
  const { data: plans, error, refetch } = useQuery(plansQuery);
  const [base, setBase] = useState({ client, etag });
  const [draft, setDraft] = useState<Draft>(() => draftOf(client));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const dirty = draft.plan !== base.client.plan || !sameLimits(overridesOf(draft.own), rulesOf(base.client));
  const changed = client.plan !== base.client.plan || !sameLimits(rulesOf(client), rulesOf(base.client));
  const take = (version: { client: AdminClientDetail; etag: string | null }) => {
    setBase(version);
    setDraft(draftOf(version.client));
    setProblem(null);
  };
  // What is not edited follows the server; so does the tag when something else of the client has changed.
  if (changed && !dirty && !busy) take({ client, etag });
  else if (!changed && etag !== base.etag) setBase({ client, etag });
  if (!plans) return <Card title="Plan and limits">{error ? <ErrorNotice error={error} title="The plans could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading plans" />}</Card>;
  const plan = plans.find((one) => one.name === draft.plan);
  const keys = Object.keys({ ...plan?.limits, ...client.limits });
  const wrong = keys.filter((key) => !isNumber(draft.own[key] ?? ''));

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy || wrong.length > 0) return;
    setBusy(true);
    setProblem(null);
    try {
      const saved = await rawWithTag<{ client: AdminClientDetail }>('PATCH', clientPath(client.id), { plan: draft.plan, overrides: overridesOf(draft.own) }, ifMatch(base.etag));
      queries.setQueryData(clientQuery(client.id).queryKey, saved);
      take({ client: saved.data.client, etag: saved.etag });
      toast.good(`The limits of ${client.name} are saved.`);
      void queries.invalidateQueries({ queryKey: ['admin', 'clients'] });
    } catch (failure) {
      const refused = asProblem(failure);
      setProblem(refused);
      if (refused.status === 412) void queries.invalidateQueries({ queryKey: clientQuery(client.id).queryKey });
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={submit} aria-label="Plan and limits">
      <Card title="Plan and limits" hint="An empty field is the plan’s own limit."
        foot={<><Button disabled={!dirty || busy} onClick={() => take({ client, etag })}>Discard</Button><Button type="submit" variant="primary" busy={busy} disabled={!dirty || changed || wrong.length > 0}>Save</Button></>}>
        <div className="stack">
          {changed && dirty && (
            <Notice tone="warn" title="Somebody else changed this in the meantime" action={(
              <span className="row-wrap"><Button size="small" onClick={() => take({ client, etag })}>Take theirs</Button><Button size="small" onClick={() => { setBase({ client, etag }); setProblem(null); }}>Keep mine</Button></span>
            )}>
              It is now: plan {client.plan}{Object.entries(client.overrides).map(([key, value]) => `, ${limitName(key)} ${limitValue(key, value)}`).join('')}. Nothing of yours is saved yet.
            </Notice>
          )}
          {problem && problem.fields.length === 0 && !(changed && problem.status === 412) && <ErrorNotice error={problem} title="Not saved" />}
          <SelectField label="Plan" value={draft.plan} error={problem?.at('/plan')} hint={plan?.summary} onChange={(event) => setDraft({ ...draft, plan: event.target.value })}>
            {!plan && <option value={draft.plan}>{draft.plan}</option>}
            {plans.map((one) => <option key={one.name} value={one.name}>{one.title}</option>)}
          </SelectField>
          <div className="limit-fields">
            {keys.map((key) => (
              <TextField key={key} label={limitName(key)} inputMode="decimal" autoComplete="off" value={draft.own[key] ?? ''} placeholder={plan ? limitValue(key, plan.limits[key] ?? null) : undefined}
                error={wrong.includes(key) ? 'A number that is not below zero.' : problem?.at(`/overrides/${key}`)}
                hint={draft.own[key]?.trim() ? `Own limit; the plan has ${limitValue(key, plan?.limits[key] ?? null)}` : 'As the plan has it'}
                onChange={(event) => setDraft({ ...draft, own: { ...draft.own, [key]: event.target.value } })} />
            ))}
          </div>
        </div>
      </Card>
    </form>
  );
}
