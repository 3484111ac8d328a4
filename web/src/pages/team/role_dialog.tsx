import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { ifMatch, raw, rawWithTag } from '../../api/client';
import type { Member } from '../../api/contract';
import { asProblem, type Problem } from '../../api/problem';
import type { Role } from '../../api/types';
import { useSession } from '../../app/guards';
import { ROLES, roleTitle } from '../../app/role_words';
import { Button, Choices, Dialog, ErrorNotice, FieldError, Notice, Skeleton, toast } from '../../ui';
import { MEMBERS } from './members';

/** The roles that this user may give. */
export const givable = (own: Role) => ROLES.filter(({ role }) => own === 'owner' || role !== 'owner').map(({ role, title, may }) => ({ value: role, title, hint: may }));

/** Changes a role as it is now: the member is read with its tag, and a change by somebody else in between is told. */
export function RoleDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const { user } = useSession();
  const queries = useQueryClient();
  const path = `/api/users/${encodeURIComponent(member.id)}`;
  const current = useQuery({ queryKey: ['team', 'member', member.id], queryFn: () => rawWithTag<{ user: Member }>('GET', path), gcTime: 0, staleTime: Infinity });
  const [role, setRole] = useState<Role | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const now = current.data?.data.user.role;
  const chosen = role ?? now ?? null;

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy || !chosen) return;
    setBusy(true);
    setProblem(null);
    try {
      await raw('PATCH', path, { role: chosen }, ifMatch(current.data?.etag ?? null));
      toast.good(`${member.email}: ${roleTitle(chosen)}.`);
      await queries.invalidateQueries({ queryKey: MEMBERS });
      onClose();
    } catch (error) {
      const failure = asProblem(error);
      if (failure.status === 412) {
        await current.refetch();
        setRole(null);
      }
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Dialog open onClose={onClose} title={<span className="wrap-anywhere">Role of {member.email}</span>}>
      {!now ? (current.error ? <ErrorNotice error={current.error} title="The member could not be loaded" retry={() => void current.refetch()} /> : <Skeleton label="Loading the member" />) : (
        <form className="stack" onSubmit={submit}>
          {problem?.status === 412
            ? <Notice tone="warn" title="Somebody else changed it in the meantime">The role is {roleTitle(now)} now. Choose again if you still want another.</Notice>
            : problem && problem.fields.length === 0 && <ErrorNotice error={problem} title="The role was not changed" />}
          <Choices legend="Role" hideLegend wide value={chosen} choices={givable(user.role)} onChange={setRole} />
          <FieldError error={problem?.at('/role')} />
          <div className="dialog-actions"><Button onClick={onClose}>Cancel</Button><Button type="submit" variant="primary" busy={busy} disabled={chosen === now}>Change role</Button></div>
        </form>
      )}
    </Dialog>
  );
}
