import { useQuery } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { asProblem } from '../../api/problem';
import { runtimesQuery } from '../../api/queries';
import { sameJson } from '../../app/json';
import { Button, Card, ErrorNotice, TextField, toast } from '../../ui';
import { ConflictNotice } from './conflict_notice';
import { Differences } from './differences';
import type { TabProps } from './index';
import { RESOURCE_FIELDS as FIELDS, resourceTitle, type ResourceKey } from './resource_fields';
import { useAgentPart, type AgentPart } from './use_agent_part';

/** As the fields hold them. */
type Draft = Record<ResourceKey, string>;

const numbers = (draft: Draft) => Object.fromEntries(FIELDS.map(({ key }) => [key, draft[key].trim() === '' ? null : Number(draft[key])]));
const RESOURCES: AgentPart<Draft> = {
  of: ({ resources }) => Object.fromEntries(FIELDS.map(({ key }) => [key, String(resources[key])])) as Draft,
  // The others stay as they are.
  request: (draft, base) => ({ resources: Object.fromEntries(FIELDS.filter(({ key }) => Number(draft[key]) !== Number(base[key])).map(({ key }) => [key, Number(draft[key])])) }),
  same: (a, b) => sameJson(numbers(a), numbers(b)),
};

export function ResourcesCard({ may, ...props }: TabProps & { may: boolean }) {
  const { data } = useQuery(runtimesQuery);
  const runtime = data?.find((one) => one.name === props.agent.runtime);
  const edit = useAgentPart(props, RESOURCES);
  const problem = edit.error ? asProblem(edit.error) : null;
  const ready = edit.dirty && edit.theirs === null;
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (ready && !edit.busy && await edit.save().catch(() => null) === 'saved') toast.good('Saved. The agent is deployed with them.');
  }
  return (
    <form onSubmit={(event) => void submit(event)} aria-label="Resources">
      <Card title="Resources" hint="With a change the agent is deployed again."
        foot={may && <><Button disabled={!edit.dirty} onClick={edit.undo}>Undo</Button><Button type="submit" variant="primary" busy={edit.busy} disabled={!ready}>Save and redeploy</Button></>}>
        <div className="stack">
          <ConflictNotice edit={edit} show={(theirs, mine) => <Differences before={numbers(theirs)} after={numbers(mine)} name={([key = '']) => resourceTitle(key)} />} />
          {problem && !FIELDS.some(({ key }) => problem.at(`/resources/${key}`)) && <ErrorNotice error={problem} title="Not saved" />}
          <div className="grid-2">
            {FIELDS.map(({ key, title, step }) => (
              <TextField key={key} label={title} type="number" required step={step} min={runtime?.resources.least[key]} max={runtime?.resources.most[key]} value={edit.draft[key]} disabled={!may}
                error={problem?.at(`/resources/${key}`)} hint={runtime ? `${runtime.resources.least[key]} to ${runtime.resources.most[key]}` : undefined}
                onChange={(event) => edit.set({ ...edit.draft, [key]: event.target.value })} />
            ))}
          </div>
        </div>
      </Card>
    </form>
  );
}
