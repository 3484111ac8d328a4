import '../two_factor/two_factor.css';
import './security.css';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { Page } from '../../app/page';
import { useSession } from '../../app/guards';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { renewSession } from '../../api/queries';
import { Button, Card, ConfirmDialog, Dialog, ErrorNotice, SecretField, Status, toast } from '../../ui';
import { Enrol } from '../two_factor/enrol';
import { RecoveryCodes } from '../two_factor/recovery_codes';
import { Sessions, sessionsQuery } from './sessions';

export default function Security() {
  return (
    <Page title="Security" lead="How you sign in, and where you are signed in." narrow>
      <Password />
      <TwoFactor />
      <Sessions />
    </Page>
  );
}

function Password() {
  const { user } = useSession();
  const queries = useQueryClient();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const change = useMutation({
    mutationFn: () => ok(api.POST('/api/auth/password', { body: { current, next } })),
    meta: { shown: true },
    onSuccess: () => {
      setCurrent('');
      setNext('');
      void renewSession();
      void queries.invalidateQueries({ queryKey: sessionsQuery.queryKey });
      toast.good('Password changed. Your other sessions have ended.');
    },
  });
  const problem = change.error ? asProblem(change.error) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Card title="Password" hint="Changing it ends your other sessions."
        foot={<Button type="submit" busy={change.isPending} disabled={!current || next.length < 12}>Change password</Button>}>
        <div className="stack">
          {problem && problem.fields.length === 0 && <ErrorNotice error={problem} title="The password was not changed" />}
          <input type="email" name="username" autoComplete="username" value={user.email} readOnly hidden />
          <SecretField label="Current password" autoComplete="current-password" value={current} onChange={(event) => setCurrent(event.target.value)}
            error={problem?.at('/current')} />
          <SecretField label="New password" autoComplete="new-password" minLength={12} maxLength={256} value={next} hint="At least 12 characters."
            onChange={(event) => setNext(event.target.value)} error={problem?.at('/next')} />
        </div>
      </Card>
    </form>
  );
}

function TwoFactor() {
  const { user } = useSession();
  const [enrolling, setEnrolling] = useState(false);
  const [asking, setAsking] = useState(false);
  const [codes, setCodes] = useState<string[] | null>(null);
  return (
    <Card title="Two-factor authentication" hint="A code from your authenticator app, besides the password. It is always on.">
      <div className="stack">
        <div className="row-between row-wrap">
          <div><div className="row">Authenticator app <Status tone="good">On</Status></div><div className="muted small">Replace it when you change phones.</div></div>
          <Button onClick={() => setEnrolling(true)}>Replace…</Button>
        </div>
        <div className="row-between row-wrap">
          <div><div>Recovery codes</div><div className="muted small">New codes make all earlier ones worthless.</div></div>
          <Button onClick={() => setAsking(true)}>New codes…</Button>
        </div>
      </div>
      <Dialog open={enrolling} onClose={() => setEnrolling(false)} title="Replace the authenticator app">
        <Enrol action="Replace" onDone={() => {
          setEnrolling(false);
          void renewSession();
          toast.good('The new app is in place. The old one no longer works.');
        }} />
      </Dialog>
      <ConfirmDialog open={asking} onClose={() => setAsking(false)} title="Make new recovery codes?" action="Make new codes"
        onConfirm={async () => {
          const answer = await ok(api.POST('/api/auth/recovery-codes', { body: {} }));
          setCodes(answer.recoveryCodes);
        }}>
        <p>The codes that you saved before stop working at once.</p>
      </ConfirmDialog>
      <Dialog open={codes !== null} onClose={() => setCodes(null)} title="Your new recovery codes">
        {codes && <RecoveryCodes codes={codes} account={user.email} action="Done" onDone={() => setCodes(null)} />}
      </Dialog>
    </Card>
  );
}
