import { useEffect, useState, useSyncExternalStore, type FormEvent } from 'react';
import { api, ok } from '../api/client';
import { asProblem } from '../api/problem';
import { renewSession } from '../api/queries';
import { finishStepUp, stepUpStore } from '../api/step_up';
import { Button } from '../ui/button';
import { CodeInput } from '../ui/code_input';
import { Dialog } from '../ui/dialog';
import { FieldError } from '../ui/field';

/** Asks for a fresh code on behalf of the calls that wait for it, and lets them go on. */
export function StepUpDialog() {
  const open = useSyncExternalStore(stepUpStore.subscribe, stepUpStore.isOpen);
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    if (open) {
      setCode('');
      setError(null);
    }
  }, [open]);

  async function confirm(value: string) {
    if (busy || value.length < 6) return;
    setBusy(true);
    setError(null);
    try {
      await ok(api.POST('/api/auth/2fa/verify', { body: { code: value } }));
      await renewSession();
      finishStepUp(true);
    } catch (failure) {
      const problem = asProblem(failure);
      setError(problem.detail);
      if (problem.isRefusal) setCode('');
    } finally {
      setBusy(false);
    }
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void confirm(code);
  };

  return (
    <Dialog open={open} onClose={() => finishStepUp(false)} title="Confirm it is you">
      <form className="stack" onSubmit={submit}>
        <p className="muted" id="step-up-text">
          This change needs a fresh code from your authenticator app. It then holds for ten minutes.
        </p>
        <CodeInput value={code} onChange={setCode} onComplete={(value) => void confirm(value)} invalid={error !== null} describedBy="step-up-text" />
        <FieldError error={error} />
        <div className="dialog-actions">
          <Button onClick={() => finishStepUp(false)}>Cancel</Button>
          <Button type="submit" variant="primary" busy={busy} disabled={code.length < 6}>Confirm</Button>
        </div>
      </form>
    </Dialog>
  );
}
