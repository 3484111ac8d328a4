import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { runtimesQuery } from '../../api/queries';
import { roleReaches } from '../../api/types';
import { useSession } from '../../app/guards';
import { fileName, saveFile } from '../../app/save_file';
import { Button, Card, ConfirmDialog, ErrorNotice, IconDownload, Notice, TextField, toast } from '../../ui';
import { ConfigCard } from './config_card';
import { ConflictNotice } from './conflict_notice';
import { Differences } from './differences';
import type { TabProps } from './index';
import { ResourcesCard } from './resources_card';
import { useAgentPart, type AgentPart } from './use_agent_part';

type CardProps = TabProps & { may: boolean };

export default function Settings(props: TabProps) {
  const { user } = useSession();
  const may = roleReaches(user.role, 'member');
  return (
    <div className="stack-5 settings">
      {!may && <Notice tone="info">Your role can read these settings, not change them.</Notice>}
      <NameCard {...props} may={may} />
      <RuntimeCard {...props} may={may} />
      <ResourcesCard {...props} may={may} />
      <ConfigCard {...props} may={may} />
      <ExportCard {...props} />
      {roleReaches(user.role, 'admin') && <DeleteCard {...props} />}
    </div>
  );
}

const sameText = (a: string, b: string) => a.trim() === b.trim();
const NAME: AgentPart<string> = { of: (agent) => agent.name, request: (draft) => ({ name: draft.trim() }), same: sameText };

function NameCard({ may, ...props }: CardProps) {
  const edit = useAgentPart(props, NAME);
  const problem = edit.error ? asProblem(edit.error) : null;
  const ready = edit.draft.trim() !== '' && edit.dirty && edit.theirs === null;
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (ready && !edit.busy && await edit.save().catch(() => null) === 'saved') toast.good('Renamed.');
  }
  return (
    <form onSubmit={(event) => void submit(event)} aria-label="Name">
      <Card title="Name" foot={may && <Button type="submit" variant="primary" busy={edit.busy} disabled={!ready}>Save</Button>}>
        <div className="stack">
          <ConflictNotice edit={edit} show={(theirs, mine) => <Differences before={theirs} after={mine} name={() => 'Name'} />} />
          <TextField label="Name" hideLabel value={edit.draft} maxLength={63} disabled={!may} error={problem?.at('/name') ?? problem?.detail} onChange={(event) => edit.set(event.target.value)} />
        </div>
      </Card>
    </form>
  );
}

const VERSION: AgentPart<string> = { of: (agent) => agent.runtimeVersion, request: (draft) => ({ runtimeVersion: draft }), same: sameText };

function RuntimeCard({ may, ...props }: CardProps) {
  const { agent } = props;
  const { data, error, refetch } = useQuery(runtimesQuery);
  const edit = useAgentPart(props, VERSION);
  // What is asked about stays the same when another version comes out, or somebody else updates, meanwhile.
  const [asked, setAsked] = useState<{ from: string; to: string } | null>(null);
  const runtime = data?.find((one) => one.name === agent.runtime);
  const newer = runtime && runtime.version !== agent.runtimeVersion ? runtime.version : null;
  async function update(version: string) {
    if (await edit.save(version) === 'conflict') throw new Error('The version was changed elsewhere meanwhile. Look again.');
    toast.good(`It is being deployed with version ${version}.`);
  }
  return (
    <Card title="Version" foot={may && newer && <Button variant="primary" onClick={() => setAsked({ from: agent.runtimeVersion, to: newer })}>Update to version {newer}…</Button>}>
      <div className="stack">
        <p className="wrap-anywhere">{runtime?.title ?? agent.runtime}, version {agent.runtimeVersion}. {newer ? `Version ${newer} is out.` : runtime && 'This is the newest version.'}</p>
        <ErrorNotice error={error} title="Whether there is a newer version is not known" retry={() => void refetch()} />
      </div>
      {asked && (
        <ConfirmDialog open onClose={() => setAsked(null)} title={`Update to version ${asked.to}?`} action="Update" onConfirm={() => update(asked.to)}>
          <p>It is deployed again, and what it is doing now is cut off. Its files stay. If the new version does not become ready, {asked.from} runs again.</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}

function ExportCard({ agent }: TabProps) {
  const { name, runtime, runtimeVersion, config, permissions, resources } = agent;
  return (
    <Card title="Export" hint="Settings and permissions as JSON, without any secret.">
      <Button onClick={() => saveFile(JSON.stringify({ name, runtime, runtimeVersion, config, permissions, resources }, null, 2), fileName(name, '.json'), 'application/json')}><IconDownload />Download</Button>
    </Card>
  );
}

function DeleteCard({ agent }: TabProps) {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  return (
    <Card title="Delete this agent" hint="It ends, and its files and credentials are deleted. What it did stays in the audit log.">
      <Button variant="danger" onClick={() => setOpen(true)}>Delete…</Button>
      <ConfirmDialog open={open} onClose={() => setOpen(false)} title={`Delete ${agent.name}?`} action="Delete" danger typeToConfirm={agent.name}
        onConfirm={async () => {
          await ok(api.DELETE('/api/agents/{id}', { params: { path: { id: agent.id } } }));
          toast.good(`${agent.name} is being deleted.`);
          void queries.invalidateQueries({ queryKey: ['agents'] });
          navigate('/agents');
        }}>
        <p>Its files and its credentials are gone for good. This cannot be undone.</p>
      </ConfirmDialog>
    </Card>
  );
}
