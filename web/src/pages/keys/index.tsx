import './keys.css';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { raw } from '../../api/client';
import type { ApiKey } from '../../api/contract';
import { roleReaches } from '../../api/types';
import { useSession } from '../../app/guards';
import { Page } from '../../app/page';
import { Paged, usePages } from '../../app/paged';
import { Badge, Button, ConfirmDialog, EmptyState, IconKey, IconPlus, Table, Time, toast } from '../../ui';
import { NewKeyDialog } from './new_key';
import { KEY_SCOPE_WORDS } from './scope_words';
import { SecretDialog, type FreshSecret } from './secret_dialog';

const SOON = 7 * 86_400_000;

/** Whether a key has ended, ends within a week, or neither. */
function Ends({ at }: { at: string | null }) {
  if (!at) return <>never</>;
  const left = Date.parse(at) - Date.now();
  if (left <= 0) return <Badge tone="bad">ended</Badge>;
  return left < SOON ? <Badge tone="warn"><span>ends <Time at={at} /></span></Badge> : <Time at={at} />;
}

export default function Keys() {
  const { user } = useSession();
  const queries = useQueryClient();
  const pages = usePages<ApiKey>(['keys'], '/api/keys');
  const [creating, setCreating] = useState(false);
  const [fresh, setFresh] = useState<FreshSecret | null>(null);
  const [revoked, setRevoked] = useState<ApiKey | null>(null);
  const may = roleReaches(user.role, 'admin');
  const renew = () => queries.invalidateQueries({ queryKey: ['keys'] });
  const create = may && <Button variant="primary" onClick={() => setCreating(true)}><IconPlus />Create a key</Button>;
  const isEmpty = pages.data?.pages[0]?.items.length === 0;
  return (
    <Page title="API keys" lead="For programs of yours that work with this account: scripts, pipelines, monitors." actions={!isEmpty && create}>
      {!may && <p className="muted small">Only owners and admins create and revoke keys.</p>}
      <Paged pages={pages} what="keys" empty={(
        <EmptyState icon={<IconKey size={20} />} title="No API keys yet" actions={create}>
          A key lets a program do what you tick for it and nothing else, until the day you choose. You can revoke it at any time.
        </EmptyState>
      )}>
        {(rows) => (
          <Table caption="API keys" cards rows={rows} rowKey={(row) => row.id} columns={[
            { id: 'name', title: 'Name', line: true, cell: (row) => <><strong className="wrap-anywhere">{row.name}</strong><div className="muted small">created <Time at={row.createdAt} /></div></>, sortBy: (row) => row.name },
            { id: 'scopes', title: 'May', line: true, cell: (row) => <span className="key-scopes">{row.scopes.map((scope) => <span key={scope}>{KEY_SCOPE_WORDS[scope]?.title} <span className="muted small mono">{scope}</span></span>)}</span> },
            { id: 'used', title: 'Last used', cell: (row) => (row.lastUsedAt ? <Time at={row.lastUsedAt} /> : 'never'), sortBy: (row) => row.lastUsedAt ?? '' },
            { id: 'ends', title: 'Ends', cell: (row) => <Ends at={row.expiresAt} />, sortBy: (row) => row.expiresAt ?? '9' },
            { id: 'do', title: <span className="sr-only">Actions</span>, tight: true, cell: (row) => may && (
              <Button size="small" aria-label={`Revoke ${row.name}`} onClick={() => setRevoked(row)}>Revoke</Button>
            ) },
          ]} />
        )}
      </Paged>
      {creating && <NewKeyDialog onClose={() => setCreating(false)} onDone={(made) => { setCreating(false); setFresh(made); void renew(); }} />}
      {fresh && <SecretDialog fresh={fresh} onClose={() => setFresh(null)} />}
      {revoked && (
        <ConfirmDialog open onClose={() => setRevoked(null)} title={`Revoke ${revoked.name}?`} action="Revoke" danger typeToConfirm={revoked.name} onConfirm={async () => {
          await raw('DELETE', `/api/keys/${encodeURIComponent(revoked.id)}`);
          toast.good(`${revoked.name} is revoked.`);
          await renew();
        }}>
          <p>Programs that use it are refused from the next call on. This cannot be undone; a new key can take its place.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}
