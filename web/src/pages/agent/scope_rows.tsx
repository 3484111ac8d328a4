import { SCOPES } from '../../app/permission_words';
import { Checkbox, TextField } from '../../ui';
import { count } from '../../ui/format';
import { leftEmpty, withScope, type Draft, type Limit } from './permission_draft';

/** Each scope with whether a person approves it and how often it may be used. */
export function ScopeRows({ draft, set, may, wrong }: {
  draft: Draft; set: (change: Partial<Draft>) => void; may: boolean; wrong: (pointer: string) => string | undefined;
}) {
  return (
    <div className="scope-rows">
      {SCOPES.map(({ scope, title, may: words, usual }) => {
        const granted = draft.scopes.includes(scope);
        const limit = draft.limits[scope] ?? { hour: '', day: '' };
        const holds = leftEmpty(limit, usual);
        const setLimit = (change: Partial<Limit>) => set({ limits: { ...draft.limits, [scope]: { ...limit, ...change } } });
        return (
          <div key={scope} className="scope-row" role="group" aria-label={title}>
            <Checkbox label={title} hint={`It may ${words}.`} checked={granted} disabled={!may} onChange={(on) => set({ scopes: withScope(draft.scopes, scope, on) })} />
            {granted && (
              <div className="scope-fields">
                <Checkbox label="A person approves each time" checked={draft.approval.includes(scope)} disabled={!may} onChange={(on) => set({ approval: withScope(draft.approval, scope, on) })} />
                <div className="row-wrap scope-limits">
                  <TextField label="At most an hour" type="number" min={1} inputMode="numeric" placeholder={count(holds.hour)} className="limit-input" value={limit.hour} disabled={!may}
                    error={wrong(`/rateLimits/${scope}/maxPerHour`)} onChange={(event) => setLimit({ hour: event.target.value })} />
                  <TextField label="At most a day" type="number" min={1} inputMode="numeric" placeholder={count(holds.day)} className="limit-input" value={limit.day} disabled={!may}
                    error={wrong(`/rateLimits/${scope}/maxPerDay`)} onChange={(event) => setLimit({ day: event.target.value })} />
                </div>
              </div>
            )}
          </div>
        );
      })}
    </div>
  );
}
