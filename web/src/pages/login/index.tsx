import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { Link } from 'wouter';
import { AloneLayout } from '../../app/alone_layout';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { renewSession, sessionQuery, useBranding } from '../../api/queries';
import { Button, CodeInput, ErrorNotice, FieldError, SecretField, TextField } from '../../ui';

/** Sign-in: password first, then a code. A session that stopped half-way goes on with the code. */
export default function Login() {
  const { data: session } = useQuery(sessionQuery);
  return session ? <CodeStep email={session.user.email} /> : <PasswordStep />;
}

function PasswordStep() {
  const branding = useBranding();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const login = useMutation({
    mutationFn: () => ok(api.POST('/api/auth/login', { body: { email: email.trim(), password } })),
    meta: { shown: true },
    // The guard around this page then shows the code step, the set-up of two-factor, or the app.
    onSuccess: () => renewSession(),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate();
  };
  return (
    <AloneLayout title={`Sign in to ${branding.name}`} foot={<>No account yet? <Link href={`/register${window.location.search}`}>Create one</Link>.</>}>
      <form className="stack" onSubmit={submit}>
        {login.error && <ErrorNotice error={login.error} title="Could not sign in" />}
        <TextField label="E-mail" type="email" name="email" autoComplete="username" required autoFocus value={email}
          onChange={(event) => setEmail(event.target.value)} />
        <SecretField label="Password" name="password" autoComplete="current-password" required value={password}
          onChange={(event) => setPassword(event.target.value)} />
        <Button type="submit" variant="primary" wide size="large" busy={login.isPending}>Continue</Button>
      </form>
    </AloneLayout>
  );
}

function CodeStep({ email }: { email: string }) {
  const [code, setCode] = useState('');
  const [recovery, setRecovery] = useState(false);
  const verify = useMutation({
    mutationFn: (value: string) => ok(api.POST('/api/auth/2fa/verify', { body: { code: value.trim() } })),
    meta: { shown: true },
    onSuccess: () => renewSession(),
    // A code from the app that was wrong is typed anew; one that was not looked at, or a long one, is not.
    onError: (error) => { if (!recovery && asProblem(error).isRefusal) setCode(''); },
  });
  const startOver = useMutation({
    mutationFn: () => ok(api.POST('/api/auth/logout', { body: {} })),
    onSettled: () => renewSession(),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate(code);
  };
  const switchWay = () => {
    setRecovery(!recovery);
    setCode('');
    verify.reset();
  };
  const error = verify.error ? asProblem(verify.error) : null;
  return (
    <AloneLayout title={recovery ? 'Enter a recovery code' : 'Enter your code'}
      lead={recovery ? 'Each recovery code works once.' : <>Six digits from your authenticator app, for <strong className="wrap-anywhere">{email}</strong>.</>}
      foot={<Button variant="link" busy={startOver.isPending} onClick={() => startOver.mutate()}>Use another account</Button>}>
      <form className="stack" onSubmit={submit}>
        {recovery
          ? <TextField label="Recovery code" value={code} autoFocus autoComplete="off" spellCheck={false} className="mono"
            onChange={(event) => setCode(event.target.value)} error={error?.detail} />
          : <>
            <CodeInput value={code} onChange={setCode} autoFocus invalid={error !== null} onComplete={(value) => { if (!verify.isPending) verify.mutate(value); }} />
            <FieldError error={error?.detail} />
          </>}
        <Button type="submit" variant="primary" wide size="large" busy={verify.isPending} disabled={code.length < 6}>Sign in</Button>
        <div><Button variant="link" onClick={switchWay}>{recovery ? 'Use the authenticator app' : 'I lost my phone: use a recovery code'}</Button></div>
      </form>
    </AloneLayout>
  );
}
