import { useSession } from '../../app/guards';
import { roleReaches } from '../../api/types';
import { Choices, Notice, SecretField, TextField } from '../../ui';
import { CHANNELS } from './channels';
import { channelOf } from './draft';
import type { StepProps } from './index';

export function ChannelStep({ draft, set, wrong }: StepProps) {
  const channel = channelOf(draft);
  const { user } = useSession();
  const mayStore = roleReaches(user.role, 'admin');
  return (
    <>
      <Choices legend="Channel" hideLegend value={draft.channel} onChange={(value) => set({ channel: value, people: '' })} choices={[
        { value: 'none' as const, title: 'No channel yet', hint: 'Talk to it on its own page.' },
        ...CHANNELS.map((one) => ({ value: one.id, title: one.title, hint: one.hint, disabled: one.secrets.length > 0 && !mayStore })),
      ]} />
      {channel && (
        <>
          <section className="guide" aria-label={`How to connect ${channel.title}`}>
            <h3>What to do in {channel.title}</h3>
            <ol>{channel.steps.map((step) => <li key={step}>{step}</li>)}</ol>
          </section>
          {channel.secrets.map((secret) => {
            const value = draft.channelSecrets[secret.name] ?? '';
            const strange = value !== '' && !secret.shape.test(value);
            return (
              <SecretField key={secret.name} label={`${channel.title}: ${secret.label.toLowerCase()}`} className="input-secret" placeholder={secret.example} autoComplete="off" value={value}
                error={wrong(`/credentials/${secret.name}`)}
                doubt={strange ? `It usually looks like “${secret.example}”. Check that you copied all of it.` : null} hint="Sealed at once, like the model’s key."
                onChange={(event) => set({ channelSecrets: { ...draft.channelSecrets, [secret.name]: event.target.value.trim() } })} />
            );
          })}
          {channel.people && (
            <TextField label={channel.people.label} optional value={draft.people} placeholder={channel.people.example} spellCheck={false} autoComplete="off"
              error={wrong('/config/channels')} hint={`${channel.people.hint} Left empty, people get a pairing code that you confirm on the agent’s own page.`}
              onChange={(event) => set({ people: event.target.value })} />
          )}
          {draft.runtime !== 'openclaw' && <Notice tone="info">The token is stored for this agent; the channel is set in this runtime’s own settings.</Notice>}
        </>
      )}
    </>
  );
}
