import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { Link } from 'wouter';
import { AloneLayout } from '../../app/alone_layout';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { renewSession } from '../../api/queries';
import { Button, ErrorNotice, SecretField, TextField } from '../../ui';

const SHORTEST = 12;

export default function Register() {
  const [email, setEmail] = useState('');
  const [clientName, setClientName] = useState('');
  const [password, setPassword] = useState('');
  const register = useMutation({
    mutationFn: () => ok(api.POST('/api/auth/register', { body: { email: email.trim(), password, clientName: clientName.trim() } })),
    meta: { shown: true },
    // The guard then goes on to two-factor.
    onSuccess: () => renewSession(),
  });
  const problem = register.error ? asProblem(register.error) : null;
  const byField = problem !== null && problem.fields.length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    register.mutate();
  };
  const missing = SHORTEST - password.length;
  return (
    <AloneLayout title="Create your account" lead="Then two-factor, then your first agent: about two minutes."
      foot={<>Already have an account? <Link href={`/login${window.location.search}`}>Sign in</Link>.</>}>
      <form className="stack" onSubmit={submit}>
        {problem && !byField && <ErrorNotice error={problem} title="The account was not created" />}
        <TextField label="Work e-mail" type="email" name="email" autoComplete="username" required autoFocus maxLength={254} value={email}
          onChange={(event) => setEmail(event.target.value)} error={problem?.at('/email')} />
        <TextField label="Company or team" name="organization" autoComplete="organization" required maxLength={100} value={clientName}
          onChange={(event) => setClientName(event.target.value)} error={problem?.at('/clientName')} />
        <SecretField label="Password" name="password" autoComplete="new-password" required minLength={SHORTEST} maxLength={256} value={password}
          onChange={(event) => setPassword(event.target.value)} error={problem?.at('/password')}
          hint={password !== '' && missing > 0 ? `${missing} more character${missing === 1 ? '' : 's'}.` : 'At least 12 characters. A sentence works well.'} />
        <Button type="submit" variant="primary" wide size="large" busy={register.isPending}>Create account</Button>
      </form>
    </AloneLayout>
  );
}
