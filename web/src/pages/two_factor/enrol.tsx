import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { Button, CodeInput, CopyButton, ErrorNotice, FieldError, Skeleton } from '../../ui';

// Asked for once: every further call would make another secret than the one already scanned.
const setupQuery = queryOptions({
  queryKey: ['two-factor-setup'],
  queryFn: () => ok(api.POST('/api/auth/2fa/setup', { body: {} })),
  staleTime: Infinity,
  gcTime: 0,
  retry: false,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
});

// With a mouse the code is on another device and typed next; on a phone its keyboard would hide the picture.
const MOUSE = window.matchMedia('(pointer: fine)');

const inFours = (secret: string) => secret.replace(/(.{4})(?=.)/g, '$1 ');

/** Shows the QR code and the key, and confirms the first code of it. */
export function Enrol({ onDone, action }: { onDone: (recoveryCodes: string[]) => void; action: string }) {
  const setup = useQuery(setupQuery);
  const [code, setCode] = useState('');
  const verify = useMutation({
    mutationFn: (value: string) => ok(api.POST('/api/auth/2fa/verify', { body: { code: value } })),
    meta: { shown: true },
    onSuccess: (answer) => onDone(answer.recoveryCodes ?? []),
    onError: (error) => { if (asProblem(error).isRefusal) setCode(''); },
  });
  if (setup.error) return <ErrorNotice error={setup.error} title="Two-factor could not be set up" retry={() => void setup.refetch()} />;
  if (!setup.data) return <Skeleton label="Making a key" />;
  const { secret, qrSvg, otpauthUrl } = setup.data;
  const error = verify.error ? asProblem(verify.error) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.length === 6) verify.mutate(code);
  };
  return (
    <form className="enrol" onSubmit={submit}>
      <ol className="enrol-steps">
        <li>
          <h2>Scan this with your authenticator app</h2>
          <p className="muted small">Any works: Google Authenticator (free), 1Password, Authy and others.</p>
          <img className="qr" width="184" height="184" alt="QR code of the key below" src={`data:image/svg+xml,${encodeURIComponent(qrSvg)}`} />
          {/* A phone cannot scan its own screen. */}
          {otpauthUrl.startsWith('otpauth:') && <a className="button enrol-here" href={otpauthUrl}>Open the app on this phone</a>}
          <details className="enrol-manual">
            <summary>Cannot scan it? Type the key instead</summary>
            <div className="copyable"><code data-testid="totp-secret">{inFours(secret)}</code><CopyButton text={secret} label="Copy key" /></div>
            <p className="muted small">Time based, 6 digits, 30 seconds.</p>
          </details>
        </li>
        <li>
          <h2>Type the code that it shows</h2>
          <CodeInput autoFocus={MOUSE.matches} value={code} onChange={setCode} invalid={error !== null} onComplete={(value) => { if (!verify.isPending) verify.mutate(value); }} />
          <FieldError error={error?.detail} />
        </li>
      </ol>
      <Button type="submit" variant="primary" size="large" wide busy={verify.isPending} disabled={code.length < 6}>{action}</Button>
    </form>
  );
}
