import { useMutation, useQueryClient } from '@tanstack/react-query';
import { raw } from '../../api/client';
import type { Invitation } from '../../api/contract';
import { asProblem } from '../../api/problem';
import { Paged, usePages } from '../../app/paged';
import { roleTitle } from '../../app/role_words';
import { Badge, Button, Card, Table, Time, toast } from '../../ui';

export const INVITATIONS = ['team', 'invitations'];

/** Invitations that nobody has opened yet. */
export function Invitations({ onInvite }: { onInvite: () => void }) {
  const queries = useQueryClient();
  const pages = usePages<Invitation>(INVITATIONS, '/api/invitations');
  const withdraw = useMutation({
    mutationFn: (one: Invitation) => raw('DELETE', `/api/invitations/${encodeURIComponent(one.id)}`),
    onSuccess: (_, one) => toast.good(`The invitation of ${one.email} is withdrawn.`),
    onSettled: () => queries.invalidateQueries({ queryKey: INVITATIONS }),
  });
  if (asProblem(pages.error).status === 404) return null;
  return (
    <section className="stack" aria-label="Invitations">
      <h2>Invitations</h2>
      <Paged pages={pages} what="invitations" empty={<Card><div className="row-between row-wrap"><p className="muted">Nobody is invited at the moment.</p><Button onClick={onInvite}>Invite somebody</Button></div></Card>}>
        {(rows) => (
          <Table caption="Invitations" cards rows={rows} rowKey={(row) => row.id} columns={[
            { id: 'email', title: 'E-mail', line: true, cell: (row) => <><strong className="wrap-anywhere">{row.email}</strong>{row.invitedBy && <div className="muted small wrap-anywhere">invited by {row.invitedBy}</div>}</>, sortBy: (row) => row.email },
            { id: 'role', title: 'Role', cell: (row) => roleTitle(row.role) },
            { id: 'ends', title: 'Ends', cell: (row) => (Date.parse(row.expiresAt) <= Date.now() ? <Badge tone="warn">ended</Badge> : <Time at={row.expiresAt} />), sortBy: (row) => row.expiresAt },
            { id: 'do', title: <span className="sr-only">Actions</span>, tight: true, cell: (row) => (
              <Button size="small" aria-label={`Withdraw the invitation of ${row.email}`} busy={withdraw.isPending && withdraw.variables.id === row.id} onClick={() => withdraw.mutate(row)}>Withdraw</Button>
            ) },
          ]} />
        )}
      </Paged>
    </section>
  );
}
