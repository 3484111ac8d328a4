import '../two_factor/two_factor.css';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Redirect, useLocation } from 'wouter';
import { AloneLayout } from '../../app/alone_layout';
import { afterSignIn } from '../../app/guards';
import { renewSession, sessionQuery } from '../../api/queries';
import { roleReaches } from '../../api/types';
import { useSignOut } from '../../app/account_menu';
import { Button } from '../../ui';
import { Enrol } from '../two_factor/enrol';
import { RecoveryCodes } from '../two_factor/recovery_codes';

/** After registration: two-factor, then the recovery codes, then the first agent. */
export default function Welcome() {
  const { data: session, isPending } = useQuery(sessionQuery);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [, navigate] = useLocation();
  const { signOut, leaving } = useSignOut();
  if (isPending) return null;
  if (!session) return <Redirect to="/login" replace />;

  const goOn = () => {
    const next = afterSignIn();
    navigate(next !== '/agents' ? next : roleReaches(session.user.role, 'member') ? '/agents/new' : '/agents', { replace: true });
  };
  if (codes) {
    return (
      <AloneLayout title="Save your recovery codes" lead="If you lose your phone, one of these lets you in. They are shown only now.">
        <RecoveryCodes codes={codes} account={session.user.email} action="Continue" onDone={goOn} />
      </AloneLayout>
    );
  }
  if (session.level === 'full') return <Redirect to={afterSignIn()} replace />;
  if (session.user.twoFactorEnabled) return <Redirect to="/login" replace />;
  return (
    <AloneLayout title="Turn on two-factor" lead="Your agents act in your name, so a password alone is never enough here."
      foot={<Button variant="link" busy={leaving} onClick={signOut}>Sign out and do this later</Button>}>
      <Enrol action="Turn on" onDone={(recovery) => {
        setCodes(recovery);
        void renewSession();
      }} />
    </AloneLayout>
  );
}
