import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { raw } from '../../api/client';
import type { Member } from '../../api/contract';
import { useSession } from '../../app/guards';
import { Paged, usePages } from '../../app/paged';
import { roleTitle, ROLES } from '../../app/role_words';
import { Badge, Button, ConfirmDialog, EmptyState, IconTeam, SearchField, Status, Table, Time, toast, useSettled } from '../../ui';
import { useParameters } from '../../app/use_parameters';
import { RoleDialog } from './role_dialog';

export const MEMBERS = ['team', 'members'];
const rank = (member: Member) => ROLES.findIndex(({ role }) => role === member.role);

export function Members({ may }: { may: boolean }) {
  const { user, client } = useSession();
  const queries = useQueryClient();
  const [search, put] = useParameters();
  const q = search.get('q') ?? '';
  const pages = usePages<Member>(MEMBERS, '/api/users', { q: useSettled(q.trim()) });
  const [changed, setChanged] = useState<Member | null>(null);
  const [removed, setRemoved] = useState<Member | null>(null);
  // Only an owner decides about owners, and nobody about themselves.
  const mayChange = (member: Member) => may && member.id !== user.id && (member.role !== 'owner' || user.role === 'owner');
  return (
    <section className="stack" aria-label="Members">
      <div className="filters"><SearchField label="Search members" placeholder="Search by e-mail" value={q} onChange={(value) => put({ q: value })} /></div>
      <Paged pages={pages} what="members" empty={(
        <EmptyState icon={<IconTeam size={20} />} title="No member fits" actions={<Button onClick={() => put({ q: '' })}>Show all</Button>}>Nobody’s e-mail has “{q}” in it.</EmptyState>
      )}>
        {(rows) => (
          <Table caption="Members" cards rows={rows} rowKey={(row) => row.id} columns={[
            { id: 'email', title: 'E-mail', line: true, cell: (row) => <span className="row-wrap"><strong className="wrap-anywhere">{row.email}</strong>{row.id === user.id && <Badge tone="accent">you</Badge>}</span>, sortBy: (row) => row.email },
            { id: 'role', title: 'Role', cell: (row) => roleTitle(row.role), sortBy: rank },
            { id: 'second', title: 'Two-factor', cell: (row) => <Status tone={row.twoFactorEnabled ? 'good' : 'warn'}>{row.twoFactorEnabled ? 'On' : 'Not yet'}</Status>, sortBy: (row) => Number(row.twoFactorEnabled) },
            { id: 'since', title: 'Since', cell: (row) => <Time at={row.createdAt} />, sortBy: (row) => row.createdAt },
            { id: 'do', title: <span className="sr-only">Actions</span>, tight: true, cell: (row) => mayChange(row) && (
              <span className="row">
                <Button size="small" aria-label={`Change role of ${row.email}`} onClick={() => setChanged(row)}>Change role</Button>
                <Button size="small" variant="ghost" aria-label={`Remove ${row.email}`} onClick={() => setRemoved(row)}>Remove</Button>
              </span>
            ) },
          ]} />
        )}
      </Paged>
      {changed && <RoleDialog member={changed} onClose={() => setChanged(null)} />}
      {removed && (
        <ConfirmDialog open onClose={() => setRemoved(null)} title={`Remove ${removed.email}?`} action="Remove" danger typeToConfirm={removed.email} onConfirm={async () => {
          await raw('DELETE', `/api/users/${encodeURIComponent(removed.id)}`);
          toast.good(`${removed.email} is removed.`);
          await queries.invalidateQueries({ queryKey: MEMBERS });
        }}>
          <p>They are signed out everywhere at once and no longer reach {client.name}. Agents and what they did stay.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
