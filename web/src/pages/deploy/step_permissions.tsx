import type { Permissions, Scope } from '../../api/types';
import { SCOPES, scopeTitle, sentencesOf } from '../../app/permission_words';
import { Checkbox, Choices, IconCheck, IconClock, IconCross, Notice, TextAreaField } from '../../ui';
import { listOf } from '../../ui/format';
import { channelOf, neededBy, permissionsOf, PRESETS } from './draft';
import type { StepProps } from './index';

const ICON = { may: IconCheck, ask: IconClock, not: IconCross };
const SAYS = { may: 'Allowed', ask: 'Asks first', not: 'Refused' };

/** Permissions as sentences, allowed first. */
export function PermissionSentences({ permissions }: { permissions: Permissions }) {
  return (
    <ul className="sentences">
      {sentencesOf(permissions).map(({ kind, text }) => {
        const Icon = ICON[kind];
        return <li key={text} data-kind={kind}><Icon /><span className="sr-only">{SAYS[kind]}: </span><span>{text}</span></li>;
      })}
    </ul>
  );
}

function CustomScopes({ draft, set, wrong }: StepProps) {
  const { custom } = draft;
  const needed = neededBy(draft);
  const toggle = (list: Scope[] | undefined, scope: Scope, on: boolean) => [...(list ?? []).filter((one) => one !== scope), ...(on ? [scope] : [])];
  return (
    <div className="scope-list">
      {SCOPES.map(({ scope, title, may }) => {
        const granted = custom.scopes.includes(scope) || needed.includes(scope);
        return (
          <div key={scope} className="scope">
            <Checkbox label={title} hint={`It may ${may}.`} checked={granted} disabled={needed.includes(scope)}
              onChange={(on) => set({ custom: { ...custom, scopes: toggle(custom.scopes, scope, on) } })} />
            {granted && (
              <div className="scope-more">
                <Checkbox label="A person approves each time" checked={custom.approval?.includes(scope) ?? false}
                  onChange={(on) => set({ custom: { ...custom, approval: toggle(custom.approval, scope, on) } })} />
              </div>
            )}
          </div>
        );
      })}
      {custom.scopes.includes('api:outbound') && (
        <TextAreaField label="Domains it may call" value={draft.domains} spellCheck={false} className="mono" placeholder={'api.example.com\n*.example.org'} rows={3}
          hint="One a line. “*.” in front takes all subdomains." error={wrong('/permissions/allowedDomains')} onChange={(event) => set({ domains: event.target.value })} />
      )}
    </div>
  );
}

export function PermissionsStep(props: StepProps) {
  const { draft, set, wrong } = props;
  const channel = channelOf(draft);
  const preset = PRESETS.find((one) => one.id === draft.preset);
  const added = draft.preset === 'custom' ? [] : neededBy(draft).filter((scope) => !preset?.permissions.scopes.includes(scope)).map((scope) => `“${scopeTitle(scope)}”`);
  const permissions = permissionsOf(draft);
  // The spend has a step of its own.
  const shown = { ...permissions, maxDailyTokenSpend: undefined };
  return (
    <>
      <Choices legend="Preset" hideLegend value={draft.preset} onChange={(value) => set({ preset: value })}
        choices={PRESETS.map(({ id, title, hint }) => ({ value: id, title, hint }))} />
      {draft.preset === 'custom' && <CustomScopes {...props} />}
      {channel && added.length > 0 && <Notice tone="info">{listOf(added)} {added.length === 1 ? 'was' : 'were'} added, so that it can answer in {channel.title}.</Notice>}
      {wrong('/permissions') && draft.preset !== 'custom' && <Notice tone="bad">{wrong('/permissions')}</Notice>}
      <section className="stack-2" aria-label="In words">
        <h3>In words</h3>
        <PermissionSentences permissions={shown} />
      </section>
    </>
  );
}
