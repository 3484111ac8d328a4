import { useQuery } from '@tanstack/react-query';
import { runtimesQuery } from '../../api/queries';
import { Badge, Choices, FieldError, SelectField, TextField } from '../../ui';
import { bytes } from '../../ui/format';
import type { StepProps } from './index';

const HINTS: Record<string, string> = {
  openclaw: 'The full assistant: chat channels, skills, its own page.',
  picoclaw: 'Small and quick: starts in seconds, little memory.',
  custom: 'An image that your operator has allowed.',
  probe: 'A stand-in for tests.',
};

export function RuntimeStep({ draft, set, wrong }: StepProps) {
  const { data: runtimes = [] } = useQuery(runtimesQuery);
  const runtime = runtimes.find((one) => one.name === draft.runtime);
  const offered = runtimes.filter((one) => one.name !== 'custom' || one.images.length > 0);
  return (
    <>
      <TextField label="Name" name="agent-name" autoComplete="off" autoFocus maxLength={63} value={draft.name} error={wrong('/name')}
        hint="What you will call it, for instance “Inbox assistant”." onChange={(event) => set({ name: event.target.value })} />
      <Choices legend="Kind of agent" value={draft.runtime} onChange={(value) => set({ runtime: value })}
        choices={offered.map((one) => ({
          value: one.name,
          title: <>{one.title}{one.name === 'openclaw' && <Badge tone="accent">recommended</Badge>}{one.testOnly && <Badge>test</Badge>}</>,
          hint: <>{HINTS[one.name] ?? `Version ${one.version}.`} <span className="num">{one.resources.default.cpus} CPU cores, {bytes(one.resources.default.memoryMb * 1_048_576)} memory.</span></>,
        }))} />
      <FieldError error={wrong('/runtime')} />
      {runtime && runtime.images.length > 0 && (
        <SelectField label="Image" value={draft.image || runtime.images[0]} error={wrong('/config/image')} onChange={(event) => set({ image: event.target.value })}>
          {runtime.images.map((image) => <option key={image}>{image}</option>)}
        </SelectField>
      )}
    </>
  );
}
