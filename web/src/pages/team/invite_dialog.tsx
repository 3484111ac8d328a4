import { useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { raw } from '../../api/client';
import type { NewInvitation } from '../../api/contract';
import { asProblem, type Problem } from '../../api/problem';
import type { Role } from '../../api/types';
import { useSession } from '../../app/guards';
import { safeUrl } from '../../app/safe_url';
import { Button, Choices, Code, CopyButton, Dialog, ErrorNotice, FieldError, TextField } from '../../ui';
import { INVITATIONS } from './invitations';
import { givable } from './role_dialog';

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const { user } = useSession();
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('member');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [made, setMade] = useState<NewInvitation | null>(null);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      setMade(await raw<NewInvitation>('POST', '/api/invitations', { email: email.trim(), role }));
      void queries.invalidateQueries({ queryKey: INVITATIONS });
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  }
  if (made) return <Invited invitation={made} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title="Invite somebody">
      <form className="stack" onSubmit={submit}>
        {problem && problem.fields.length === 0 && <ErrorNotice error={problem} title="The invitation was not made" />}
        <TextField label="E-mail" type="email" name="invitee" autoComplete="off" maxLength={254} value={email} error={problem?.at('/email')} onChange={(event) => setEmail(event.target.value)} />
        <Choices legend="Role" wide value={role} choices={givable(user.role)} onChange={setRole} />
        <FieldError error={problem?.at('/role')} />
        <div className="dialog-actions"><Button onClick={onClose}>Cancel</Button><Button type="submit" variant="primary" busy={busy} disabled={!email.trim()}>Invite</Button></div>
      </form>
    </Dialog>
  );
}

/** The link is shown for handing over, where no mail goes out or none arrives. */
function Invited({ invitation, onClose }: { invitation: NewInvitation; onClose: () => void }) {
  const url = safeUrl(invitation.url);
  return (
    <Dialog open onClose={onClose} title="Invited">
      <p className="wrap-anywhere"><strong>{invitation.email}</strong> {url ? 'joins with this link. Hand it over yourself if no mail arrives; it is shown only now.' : 'gets a mail with a link.'}</p>
      {url && <><Code label="The link">{url}</Code><div><CopyButton text={url} label="Copy the link" size="medium" /></div></>}
      <p className="muted small">It works once. They choose a password and turn on two-factor before they see anything.</p>
      <div className="dialog-actions"><Button variant="primary" onClick={onClose}>Done</Button></div>
    </Dialog>
  );
}
