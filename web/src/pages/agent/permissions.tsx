import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { roleReaches, type Permissions as PermissionsData, type Scope } from '../../api/types';
import { useSession } from '../../app/guards';
import { SCOPES } from '../../app/permission_words';
import { Badge, Button, Card, Checkbox, ErrorNotice, Notice, TextAreaField, TextField, Time, toast } from '../../ui';
import { count } from '../../ui/format';
import type { TabProps } from './index';
import { suggestionsQuery, type Suggestion } from './queries';
import { ReviewDialog } from './review_dialog';
import { Sentences } from './sentences';

/** A draft as the fields hold it. */
type Draft = { scopes: Scope[]; approval: Scope[]; domains: string; cap: string; limits: Partial<Record<Scope, { hour: string; day: string }>> };

function draftOf(permissions: PermissionsData): Draft {
  const limits: Draft['limits'] = {};
  for (const [scope, limit] of Object.entries(permissions.rateLimits ?? {})) {
    limits[scope as Scope] = { hour: limit?.maxPerHour?.toString() ?? '', day: limit?.maxPerDay?.toString() ?? '' };
  }
  return {
    scopes: permissions.scopes, approval: permissions.approval ?? [], domains: (permissions.allowedDomains ?? []).join('\n'),
    cap: permissions.maxDailyTokenSpend?.toString() ?? '', limits,
  };
}

function permissionsOf(draft: Draft): PermissionsData {
  const rateLimits: NonNullable<PermissionsData['rateLimits']> = {};
  for (const scope of draft.scopes) {
    const limit = draft.limits[scope];
    if (!limit?.hour && !limit?.day) continue;
    rateLimits[scope] = { ...(limit.hour ? { maxPerHour: Number(limit.hour) } : {}), ...(limit.day ? { maxPerDay: Number(limit.day) } : {}) };
  }
  const domains = draft.domains.split(/[\s,]+/).filter(Boolean);
  const approval = draft.approval.filter((scope) => draft.scopes.includes(scope));
  return {
    scopes: draft.scopes,
    ...(Object.keys(rateLimits).length > 0 ? { rateLimits } : {}),
    ...(domains.length > 0 ? { allowedDomains: domains } : {}),
    ...(draft.cap !== '' ? { maxDailyTokenSpend: Number(draft.cap) } : {}),
    ...(approval.length > 0 ? { approval } : {}),
  };
}

const without = (list: Scope[], scope: Scope, on: boolean) => [...list.filter((one) => one !== scope), ...(on ? [scope] : [])];

export default function Permissions({ agent, etag }: TabProps) {
  const { user } = useSession();
  const queries = useQueryClient();
  const may = roleReaches(user.role, 'member');
  // Saved with the tag of what the draft was made from: another person's change in between is not lost.
  const [base, setBase] = useState({ permissions: agent.permissions, etag });
  const [draft, setDraft] = useState(() => draftOf(agent.permissions));
  const [reviewing, setReviewing] = useState(false);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const next = permissionsOf(draft);
  const changed = JSON.stringify(next) !== JSON.stringify(permissionsOf(draftOf(base.permissions)));
  const save = useMutation({
    mutationFn: () => ok(api.PATCH('/api/agents/{id}', {
      params: { path: { id: agent.id }, header: base.etag ? { 'If-Match': base.etag } : {} }, body: { permissions: next },
    })),
    meta: { shown: true },
    onSuccess: (answer) => {
      setBase({ permissions: answer.agent.permissions, etag: null });
      setDraft(draftOf(answer.agent.permissions));
      toast.good('Saved. It holds within a second.');
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['agent', agent.id] }),
  });
  const problem = save.error ? asProblem(save.error) : null;
  const wrong = (pointer: string) => problem?.at(`/permissions${pointer}`);
  const elsewhere = JSON.stringify(agent.permissions) !== JSON.stringify(base.permissions);
  // The answer to a save has no tag; the agent as it is fetched next has.
  if (base.etag === null && etag !== null && !elsewhere) setBase({ ...base, etag });
  const allow = (one: Suggestion) => set({
    scopes: [...new Set([...draft.scopes, ...(one.addScopes as Scope[])])],
    domains: [...new Set([...draft.domains.split(/[\s,]+/).filter(Boolean), ...one.addDomains])].join('\n'),
  });

  return (
    <div className="overview">
      <div className="stack-5">
        {elsewhere && <Notice tone="warn" title="Changed by somebody else meanwhile" action={<Button size="small" onClick={() => { setBase({ permissions: agent.permissions, etag }); setDraft(draftOf(agent.permissions)); }}>Take the new ones</Button>}>Saving would replace their change.</Notice>}
        {problem && <ErrorNotice error={problem} title="Not saved" />}
        <Suggested agentId={agent.id} allow={may ? allow : null} draft={next} />
        <Card title="What it may use">
          <div className="scope-rows">
            {SCOPES.map(({ scope, title, may: words }) => {
              const granted = draft.scopes.includes(scope);
              const limit = draft.limits[scope] ?? { hour: '', day: '' };
              const setLimit = (change: Partial<typeof limit>) => set({ limits: { ...draft.limits, [scope]: { ...limit, ...change } } });
              return (
                <div key={scope} className="scope-row">
                  <Checkbox label={title} hint={`It may ${words}.`} checked={granted} disabled={!may} onChange={(on) => set({ scopes: without(draft.scopes, scope, on) })} />
                  {granted && (
                    <div className="scope-fields">
                      <Checkbox label="A person approves each time" checked={draft.approval.includes(scope)} disabled={!may} onChange={(on) => set({ approval: without(draft.approval, scope, on) })} />
                      <div className="row-wrap">
                        <TextField label="At most an hour" type="number" min={1} inputMode="numeric" placeholder="standard" className="limit-input" value={limit.hour} disabled={!may}
                          error={wrong(`/rateLimits/${scope}/maxPerHour`)} onChange={(event) => setLimit({ hour: event.target.value })} />
                        <TextField label="At most a day" type="number" min={1} inputMode="numeric" placeholder="standard" className="limit-input" value={limit.day} disabled={!may}
                          error={wrong(`/rateLimits/${scope}/maxPerDay`)} onChange={(event) => setLimit({ day: event.target.value })} />
                      </div>
                    </div>
                  )}
                </div>
              );
            })}
          </div>
        </Card>
        <Card title="Domains and money">
          <div className="stack">
            <TextAreaField label="Domains it may call" rows={4} spellCheck={false} className="mono" value={draft.domains} disabled={!may} placeholder={'api.example.com\n*.example.org'}
              hint="One a line. “*.” in front takes all subdomains. They count only with “Other websites and APIs”." error={wrong('/allowedDomains')} onChange={(event) => set({ domains: event.target.value })} />
            <TextField label="Model spend a day, in US dollars" type="number" min={0} step="0.01" inputMode="decimal" value={draft.cap} disabled={!may} placeholder="the plan’s cap"
              hint="A hard cap. 0: no model call at all. Days begin at midnight UTC." error={wrong('/maxDailyTokenSpend')} onChange={(event) => set({ cap: event.target.value })} />
          </div>
        </Card>
      </div>
      <div className="stack-5 sticky-side">
        <Card title="In words" foot={may && <>
          <Button disabled={!changed} onClick={() => setDraft(draftOf(base.permissions))}>Undo</Button>
          <Button variant="primary" disabled={!changed} busy={save.isPending} onClick={() => setReviewing(true)}>Review and save</Button>
        </>}>
          <Sentences permissions={next} />
        </Card>
      </div>
      {reviewing && <ReviewDialog agentId={agent.id} before={base.permissions} after={next} onClose={() => setReviewing(false)} onSave={() => save.mutateAsync()} />}
    </div>
  );
}

/** What it was refused, and the narrowest change that would have let it through. */
function Suggested({ agentId, allow, draft }: { agentId: string; allow: ((one: Suggestion) => void) | null; draft: PermissionsData }) {
  const { data } = useQuery(suggestionsQuery(agentId));
  if (!data || data.items.length + data.notGrantable.length === 0) return null;
  const has = (one: Suggestion) => one.addScopes.every((scope) => draft.scopes.includes(scope as Scope)) && one.addDomains.every((domain) => draft.allowedDomains?.includes(domain));
  return (
    <Card title="Refused in the last 30 days" hint="Nothing is allowed by itself.">
      <ul className="suggested">
        {data.items.map((one) => (
          <li key={one.id}>
            <div className="grow stack-1">
              <span className="wrap-anywhere">{one.sentence}</span>
              <span className="muted small wrap-anywhere">{count(one.count)} times, last <Time at={one.lastAt} />: <code>{one.example}</code></span>
            </div>
            {has(one) ? <Badge tone="accent">in the draft</Badge> : allow && <Button size="small" onClick={() => allow(one)}>Allow this</Button>}
          </li>
        ))}
        {data.notGrantable.map((one) => (
          <li key={`${one.host} ${one.rule} ${one.example}`}>
            <div className="grow stack-1">
              <span className="wrap-anywhere">{one.host}: {one.reason}</span>
              <span className="muted small wrap-anywhere">{count(one.count)} times, last <Time at={one.lastAt} />: <code>{one.example}</code></span>
            </div>
            <Badge>cannot be allowed</Badge>
          </li>
        ))}
      </ul>
    </Card>
  );
}
