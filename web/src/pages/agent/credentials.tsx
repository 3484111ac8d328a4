import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ok } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import { credentialKindsQuery, credentialsQuery } from '../../api/queries';
import { roleReaches, type Credential } from '../../api/types';
import { TestButton, TestResultPlace, type TestResult } from '../../app/credential_test';
import { useSession } from '../../app/guards';
import { Badge, Button, ConfirmDialog, Dialog, EmptyState, ErrorNotice, IconKey, IconPlus, SecretField, SelectField, Skeleton, Table, TextAreaField, TextField, Time, toast } from '../../ui';
import type { TabProps } from './index';

export default function Credentials({ agent }: TabProps) {
  const { user } = useSession();
  const queries = useQueryClient();
  const may = roleReaches(user.role, 'admin');
  const { data, error, refetch } = useQuery(credentialsQuery(agent.id));
  const [edited, setEdited] = useState<Credential | 'new' | null>(null);
  const [removed, setRemoved] = useState<Credential | null>(null);
  const [tested, setTested] = useState<TestResult | null>(null);
  const done = () => {
    setTested(null);  // of a value that may be another one now
    return queries.invalidateQueries({ queryKey: credentialsQuery(agent.id).queryKey });
  };
  if (!data) return error ? <ErrorNotice error={error} title="The credentials could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading credentials" />;
  const add = may && <Button variant="primary" onClick={() => setEdited('new')}><IconPlus />Add a credential</Button>;
  return (
    <div className="stack">
      <div className="row-between row-wrap"><p className="muted">Values are sealed at once; nobody can read them again, and the agent never has them.</p>{data.length > 0 && add}</div>
      {!may && <p className="muted small">Only admins add, test, replace and delete credentials.</p>}
      <TestResultPlace result={tested} />
      {data.length === 0
        ? <EmptyState icon={<IconKey size={20} />} title="No credentials yet" actions={add}>Add the key of a model or of a chat, so that the agent can work with it.</EmptyState>
        : (
          <Table caption="Credentials" cards rows={data} rowKey={(row) => row.name} columns={[
            { id: 'name', title: 'Name', line: true, cell: (row) => <strong className="wrap-anywhere">{row.name}</strong>, sortBy: (row) => row.name },
            { id: 'kind', title: 'Kind', cell: (row) => <Badge>{row.kind}</Badge>, sortBy: (row) => row.kind },
            { id: 'hosts', title: 'Sent only to', cell: (row) => <span className="mono small wrap-anywhere">{row.hosts.join(', ')}</span> },
            { id: 'used', title: 'Last used', cell: (row) => (row.lastUsedAt ? <Time at={row.lastUsedAt} /> : 'never'), sortBy: (row) => row.lastUsedAt ?? '' },
            { id: 'ends', title: 'Ends', cell: (row) => (row.renews ? 'renewed by itself' : row.expiresAt ? <Time at={row.expiresAt} /> : '–') },
            { id: 'do', title: <span className="sr-only">Actions</span>, tight: true, cell: (row) => may && (
              <span className="credential-do">{row.testable && <TestButton agentId={agent.id} name={row.name} onResult={setTested} />}<Button size="small" aria-label={`Replace ${row.name}`} onClick={() => setEdited(row)}>Replace</Button><Button size="small" variant="ghost" aria-label={`Delete ${row.name}`} onClick={() => setRemoved(row)}>Delete</Button></span>
            ) },
          ]} />
        )}
      {edited && <EditDialog agentId={agent.id} credential={edited === 'new' ? null : edited} onClose={() => setEdited(null)} onDone={done} />}
      {removed && (
        <ConfirmDialog open onClose={() => setRemoved(null)} title={`Delete ${removed.name}?`} action="Delete" danger typeToConfirm={removed.name}
          onConfirm={async () => {
            await ok(api.DELETE('/api/agents/{id}/credentials/{name}', { params: { path: { id: agent.id, name: removed.name } } }));
            toast.good(`${removed.name} is deleted.`);
            await done();
          }}>
          <p>Its value is destroyed. Requests of {agent.name} that need it fail from now on.</p>
        </ConfirmDialog>
      )}
    </div>
  );
}

function EditDialog({ agentId, credential, onClose, onDone }: { agentId: string; credential: Credential | null; onClose: () => void; onDone: () => Promise<unknown> }) {
  const { data: kinds = [], error: kindsError, refetch } = useQuery(credentialKindsQuery);
  const [name, setName] = useState(credential?.name ?? '');
  const [kindName, setKind] = useState(credential?.kind ?? 'generic');
  const [value, setValue] = useState('');
  const [hosts, setHosts] = useState(credential?.hosts.join('\n') ?? '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const kind = kinds.find((one) => one.name === kindName);
  const hostList = hosts.split(/[\s,]+/).filter(Boolean);
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    const bound = kind?.hostsRequired && hostList.length > 0 ? { hosts: hostList } : {};
    try {
      await ok(credential
        ? api.PUT('/api/agents/{id}/credentials/{name}', { params: { path: { id: agentId, name: credential.name } }, body: { value, ...bound } })
        : api.POST('/api/agents/{id}/credentials', { params: { path: { id: agentId } }, body: { name: name.trim(), kind: kindName, value, ...bound } }));
      toast.good(credential ? `${name} is replaced.` : `${name} is stored.`);
      await onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  }
  return (
    <Dialog open onClose={onClose} title={credential ? `Replace ${credential.name}` : 'Add a credential'}>
      <form className="stack" onSubmit={submit}>
        {problem && problem.fields.length === 0 && <ErrorNotice error={problem} title="Not stored" />}
        {kinds.length === 0 && <ErrorNotice error={kindsError} title="The kinds of credentials could not be loaded" retry={() => void refetch()} />}
        {!credential && (
          <>
            <SelectField label="Kind" value={kindName} error={problem?.at('/kind')} hint={kind && kind.hosts.length > 0 ? <>Sent only to <span className="mono wrap-anywhere">{kind.hosts.join(', ')}</span></> : undefined}
              onChange={(event) => { setKind(event.target.value); if (!name) setName(event.target.value === 'generic' ? '' : event.target.value); }}>
              {kinds.map((one) => <option key={one.name} value={one.name}>{one.title}</option>)}
            </SelectField>
            <TextField label="Name" value={name} autoComplete="off" spellCheck={false} error={problem?.at('/name')} hint="Letters, digits, “_”, “.” and “-”." onChange={(event) => setName(event.target.value)} />
          </>
        )}
        <SecretField label="Value" className="input-secret" autoComplete="off" value={value} error={problem?.at('/value')} hint="It can be replaced, never read." onChange={(event) => setValue(event.target.value)} />
        {kind?.hostsRequired && (
          <TextAreaField label="Send it only to" rows={2} className="mono" spellCheck={false} value={hosts} placeholder="api.example.com" error={problem?.at('/hosts')} hint="One host a line." onChange={(event) => setHosts(event.target.value)} />
        )}
        <div className="dialog-actions"><Button onClick={onClose}>Cancel</Button><Button type="submit" variant="primary" busy={busy} disabled={!value || !name.trim()}>{credential ? 'Replace' : 'Store'}</Button></div>
      </form>
    </Dialog>
  );
}
