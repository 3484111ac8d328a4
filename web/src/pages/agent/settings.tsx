import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { runtimesQuery } from '../../api/queries';
import { roleReaches, type ChangeAgentRequest } from '../../api/types';
import { useSession } from '../../app/guards';
import { fileName, saveFile } from '../../app/save_file';
import { Button, Card, ConfirmDialog, ErrorNotice, Notice, TextAreaField, TextField, toast } from '../../ui';
import type { TabProps } from './index';

const RESOURCES = [
  { key: 'cpus', title: 'CPU cores', step: 0.05 }, { key: 'memoryMb', title: 'Memory, MB', step: 1 }, { key: 'diskMb', title: 'Disk, MB', step: 1 }, { key: 'pids', title: 'Processes', step: 1 },
] as const;

function useChange({ agent, etag }: TabProps) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: ChangeAgentRequest) => ok(api.PATCH('/api/agents/{id}', { params: { path: { id: agent.id }, header: etag ? { 'If-Match': etag } : {} }, body })),
    meta: { shown: true },
    onSuccess: () => toast.good('Saved.'),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ['agent', agent.id] }), queries.invalidateQueries({ queryKey: ['agents'] })]),
  });
}

export default function Settings(props: TabProps) {
  const { user } = useSession();
  return (
    <div className="stack-5 settings">
      {!roleReaches(user.role, 'member') && <Notice tone="info">Your role can read these settings, not change them.</Notice>}
      <NameCard {...props} />
      <RuntimeCard {...props} />
      <ResourcesCard {...props} />
      <ConfigCard {...props} />
      <ExportCard {...props} />
      {roleReaches(user.role, 'admin') && <DeleteCard {...props} />}
    </div>
  );
}

function NameCard(props: TabProps) {
  const [name, setName] = useState(props.agent.name);
  const change = useChange(props);
  const problem = change.error ? asProblem(change.error) : null;
  const submit = (event: FormEvent) => { event.preventDefault(); change.mutate({ name: name.trim() }); };
  return (
    <form onSubmit={submit}>
      <Card title="Name" foot={<Button type="submit" busy={change.isPending} disabled={!name.trim() || name.trim() === props.agent.name}>Save</Button>}>
        <TextField label="Name" value={name} maxLength={63} error={problem?.at('/name') ?? problem?.detail} onChange={(event) => setName(event.target.value)} />
      </Card>
    </form>
  );
}

function RuntimeCard(props: TabProps) {
  const { agent } = props;
  const { data } = useQuery(runtimesQuery);
  const change = useChange(props);
  const runtime = data?.find((one) => one.name === agent.runtime);
  const newer = runtime && runtime.version !== agent.runtimeVersion ? runtime.version : null;
  return (
    <Card title="Runtime" foot={newer && <Button busy={change.isPending} onClick={() => change.mutate({ runtimeVersion: newer })}>Change to {newer}</Button>}>
      <div className="stack">
        <p>{runtime?.title ?? agent.runtime} {agent.runtimeVersion}. {newer ? 'The change makes a new container; if it does not become ready, this version runs again.' : 'This is the version that the server offers.'}</p>
        <ErrorNotice error={change.error} title="Not changed" />
      </div>
    </Card>
  );
}

function ResourcesCard(props: TabProps) {
  const { agent } = props;
  const { data } = useQuery(runtimesQuery);
  const runtime = data?.find((one) => one.name === agent.runtime);
  const [values, setValues] = useState(() => Object.fromEntries(RESOURCES.map(({ key }) => [key, String(agent.resources[key])])) as Record<(typeof RESOURCES)[number]['key'], string>);
  const change = useChange(props);
  const problem = change.error ? asProblem(change.error) : null;
  const changed = RESOURCES.filter(({ key }) => Number(values[key]) !== agent.resources[key]);
  const submit = (event: FormEvent) => { event.preventDefault(); change.mutate({ resources: Object.fromEntries(changed.map(({ key }) => [key, Number(values[key])])) }); };
  return (
    <form onSubmit={submit}>
      <Card title="Resources" hint="A change makes a new container." foot={<Button type="submit" busy={change.isPending} disabled={changed.length === 0}>Save and redeploy</Button>}>
        <div className="stack">
          {problem && problem.fields.length === 0 && <ErrorNotice error={problem} title="Not saved" />}
          <div className="grid-2">
            {RESOURCES.map(({ key, title, step }) => (
              <TextField key={key} label={title} type="number" step={step} min={runtime?.resources.least[key]} max={runtime?.resources.most[key]} value={values[key]} error={problem?.at(`/resources/${key}`)}
                hint={runtime ? `${runtime.resources.least[key]} to ${runtime.resources.most[key]}` : undefined} onChange={(event) => setValues({ ...values, [key]: event.target.value })} />
            ))}
          </div>
        </div>
      </Card>
    </form>
  );
}

function ConfigCard(props: TabProps) {
  const { agent } = props;
  const stored = JSON.stringify(agent.config, null, 2);
  const [text, setText] = useState(stored);
  const change = useChange(props);
  const problem = change.error ? asProblem(change.error) : null;
  let config: Record<string, unknown> | null = null;
  let fault: string | null = null;
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) config = parsed as Record<string, unknown>;
    else fault = 'It must be one JSON object.';
  } catch (error) {
    fault = error instanceof Error ? error.message : 'This is not JSON.';
  }
  const submit = (event: FormEvent) => { event.preventDefault(); if (config) change.mutate({ config }); };
  return (
    <form onSubmit={submit}>
      <Card title="Configuration" hint="The runtime’s own settings. A change makes a new container."
        foot={<><Button disabled={text === stored} onClick={() => setText(stored)}>Undo</Button><Button type="submit" busy={change.isPending} disabled={!config || text === stored}>Save and redeploy</Button></>}>
        <div className="stack">
          {problem && <ErrorNotice error={problem} title="Not saved" />}
          {problem?.fields.map((one) => <p key={one.pointer} className="small wrap-anywhere"><code>{one.pointer}</code>: {one.detail}</p>)}
          <TextAreaField label="As JSON" rows={Math.min(24, Math.max(6, text.split('\n').length))} className="mono" spellCheck={false} value={text} error={fault ?? undefined}
            hint="Values shown as {&quot;$sealed&quot;: true} are stored secrets: leave them, and they stay." onChange={(event) => setText(event.target.value)} />
        </div>
      </Card>
    </form>
  );
}

function ExportCard({ agent }: TabProps) {
  const { name, runtime, runtimeVersion, config, permissions, resources } = agent;
  return (
    <Card title="Export" hint="Settings and permissions as JSON, without any secret.">
      <Button onClick={() => saveFile(JSON.stringify({ name, runtime, runtimeVersion, config, permissions, resources }, null, 2), fileName(name, '.json'), 'application/json')}>Download</Button>
    </Card>
  );
}

function DeleteCard({ agent }: TabProps) {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  return (
    <Card title="Delete this agent" hint="Its container, its files and its credentials are deleted. What it did stays in the audit log.">
      <Button variant="danger" onClick={() => setOpen(true)}>Delete…</Button>
      <ConfirmDialog open={open} onClose={() => setOpen(false)} title={`Delete ${agent.name}?`} action="Delete" danger typeToConfirm={agent.name}
        onConfirm={async () => {
          await ok(api.DELETE('/api/agents/{id}', { params: { path: { id: agent.id } } }));
          toast.good(`${agent.name} is being deleted.`);
          void queries.invalidateQueries({ queryKey: ['agents'] });
          navigate('/agents');
        }}>
        <p>Its container, its files and its credentials are gone for good. This cannot be undone.</p>
      </ConfirmDialog>
    </Card>
  );
}
