import { useQuery } from '@tanstack/react-query';
import { credentialKindsQuery } from '../../api/queries';
import { useSession } from '../../app/guards';
import { roleReaches } from '../../api/types';
import { Choices, Notice, SecretField, SelectField, TextField } from '../../ui';
import { providerOf } from './draft';
import type { StepProps } from './index';
import { keyDoubt, PROVIDERS } from './providers';

const OTHER = ' other';

export function ModelStep({ draft, set, wrong }: StepProps) {
  const { data: kinds = [] } = useQuery(credentialKindsQuery);
  const { user } = useSession();
  const provider = providerOf(draft);
  const known = new Set(kinds.map((kind) => kind.name));
  const mayStore = roleReaches(user.role, 'admin');
  const choose = (kind: string) => set({ provider: kind, model: PROVIDERS.find((one) => one.kind === kind)?.models[0] ?? '' });
  const doubt = provider ? keyDoubt(provider, draft.modelKey) : null;
  const listed = provider?.models.includes(draft.model) ?? false;
  return (
    <>
      {!mayStore && <Notice tone="info">Your role cannot store keys. Choose “Decide later” and ask an admin to add one.</Notice>}
      <Choices legend="Provider" hideLegend dense value={draft.provider} onChange={choose} choices={[
        ...PROVIDERS.filter((one) => known.has(one.kind)).map((one) => ({ value: one.kind, title: one.title, disabled: !mayStore })),
        { value: 'none', title: 'Decide later' },
      ]} />
      {!provider && <p className="muted small">It will run, but cannot think before it has a key.</p>}
      {provider && (
        <>
          <SecretField label={`${provider.title} API key`} className="input-secret" placeholder={provider.keyExample} autoComplete="off" value={draft.modelKey}
            error={wrong('/credentials/model') ?? wrong('/credentials/0')} onChange={(event) => set({ modelKey: event.target.value.trim() })}
            doubt={doubt} hint={<>Make one at <a className="wrap-anywhere" href={`https://${provider.keyPage}`} target="_blank" rel="noopener noreferrer">{provider.keyPage}</a>. It is sealed at once: nobody can read it again, and the agent never gets it.</>} />
          <SelectField label="Model" value={listed ? draft.model : OTHER} onChange={(event) => set({ model: event.target.value === OTHER ? '' : event.target.value })}>
            {provider.models.map((model) => <option key={model} value={model}>{model}</option>)}
            <option value={OTHER}>Another model…</option>
          </SelectField>
          {!listed && (
            <TextField label="Model’s name" value={draft.model} spellCheck={false} autoComplete="off" className="mono" error={wrong('/config/models')}
              hint={`As ${provider.title} writes it.`} onChange={(event) => set({ model: event.target.value.trim() })} />
          )}
          {draft.runtime !== 'openclaw' && <Notice tone="info">The key is stored for this agent; the model is set in this runtime’s own settings.</Notice>}
        </>
      )}
    </>
  );
}
