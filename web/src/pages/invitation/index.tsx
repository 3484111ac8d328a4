import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { raw } from '../../api/client';
import type { OpenInvitation } from '../../api/contract';
import { asProblem, type Problem } from '../../api/problem';
import { renewSession, sessionQuery } from '../../api/queries';
import { useSignOut } from '../../app/account_menu';
import { AloneLayout } from '../../app/alone_layout';
import { roleTitle, ROLES } from '../../app/role_words';
import { Button, ButtonLink, ErrorNotice, Notice, Pair, Pairs, SecretField, Skeleton, Time } from '../../ui';

const SHORTEST = 12;

/**
 * Where the link of an invitation leads. The token is behind the #, which browsers do not send, and it is
 * taken out of the address at once, so that neither the history nor a picture of the window has it.
 */
function useToken(): string {
  const [token] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    if (window.location.hash) window.history.replaceState(null, '', window.location.pathname);
  }, []);
  return token;
}

export default function Invitation() {
  const token = useToken();
  const session = useQuery(sessionQuery);
  const { data, error, refetch } = useQuery({
    queryKey: ['invitation', token], queryFn: () => raw<OpenInvitation>('POST', '/api/auth/invitation', { token }), enabled: token !== '', gcTime: 0, staleTime: Infinity,
  });
  const status = error ? asProblem(error).status : 0;
  if (!token || [404, 410, 422].includes(status)) return <Ended />;
  if (error) return <AloneLayout title="Your invitation"><ErrorNotice error={error} title="The invitation could not be loaded" retry={() => void refetch()} /></AloneLayout>;
  if (!data || session.isPending) return <AloneLayout title="Your invitation"><Skeleton label="Loading the invitation" /></AloneLayout>;
  if (session.data) return <SignedInAlready email={session.data.user.email} invitation={data} />;
  return <Join invitation={data} token={token} />;
}

const Ended = () => (
  <AloneLayout title="This invitation does not work" lead="It may have been used, withdrawn or ended, or the link was cut short.">
    <p>Ask whoever invited you for a new one. If you have joined already, sign in.</p>
    <ButtonLink href="/login" variant="primary" wide>Sign in</ButtonLink>
  </AloneLayout>
);

function SignedInAlready({ email, invitation }: { email: string; invitation: OpenInvitation }) {
  const { signOut, leaving } = useSignOut({ stay: true });
  return (
    <AloneLayout title={`Join ${invitation.clientName}`}>
      <Notice tone="warn" title="You are signed in as somebody else"><span className="wrap-anywhere">You are {email}; the invitation is for {invitation.email}.</span></Notice>
      <Button variant="primary" wide busy={leaving} onClick={signOut}>Sign out and go on</Button>
      <ButtonLink href="/agents" wide>Stay signed in</ButtonLink>
    </AloneLayout>
  );
}

function Join({ invitation, token }: { invitation: OpenInvitation; token: string }) {
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [, navigate] = useLocation();
  const missing = SHORTEST - password.length;

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await raw('POST', '/api/auth/invitation/accept', { token, password });
      await renewSession();
      navigate('/welcome', { replace: true });
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  }
  return (
    <AloneLayout title={`Join ${invitation.clientName}`} lead={invitation.invitedBy ? `${invitation.invitedBy} invites you.` : 'You are invited.'}
      foot={<>The invitation ends <Time at={invitation.expiresAt} />. Two-factor comes next.</>}>
      <form className="stack" onSubmit={submit}>
        {problem && problem.fields.length === 0 && <ErrorNotice error={problem} title={problem.status === 410 ? 'This invitation has ended' : 'You have not joined yet'} />}
        <Pairs>
          <Pair name="Your e-mail">{invitation.email}</Pair>
          <Pair name="Your role">{roleTitle(invitation.role)}. <span className="muted">{ROLES.find(({ role }) => role === invitation.role)?.may}</span></Pair>
        </Pairs>
        <input type="email" name="username" autoComplete="username" value={invitation.email} readOnly hidden />
        <SecretField label="Choose a password" name="password" autoComplete="new-password" required minLength={SHORTEST} maxLength={256} autoFocus value={password} error={problem?.at('/password')}
          hint={password !== '' && missing > 0 ? `${missing} more character${missing === 1 ? '' : 's'}.` : 'At least 12 characters. A sentence works well.'} onChange={(event) => setPassword(event.target.value)} />
        <Button type="submit" variant="primary" wide size="large" busy={busy}>Join</Button>
      </form>
    </AloneLayout>
  );
}
