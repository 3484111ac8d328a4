import { useState, type FormEvent } from 'react';
import { raw } from '../../api/client';
import { API_KEY_SCOPES, type ApiKeyScope, type NewApiKey } from '../../api/contract';
import { asProblem, type Problem } from '../../api/problem';
import { Button, Checkbox, Dialog, ErrorNotice, FieldError, SelectField, TextField } from '../../ui';
import { KEY_SCOPE_WORDS } from './scope_words';
import type { FreshSecret } from './secret_dialog';

const LIVES: Array<{ value: string; word: string }> = [
  { value: '30', word: '30 days' }, { value: '90', word: '90 days' }, { value: '365', word: '1 year' }, { value: 'own', word: 'Until a day I choose' }, { value: 'never', word: 'Never' },
];
const DAY = 86_400_000;
/** A day as the field for it writes it. */
const dayText = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** When the key ends, at the end of a chosen day in UTC; undefined: no day is chosen. */
function endOf(life: string, day: string): string | null | undefined {
  if (life === 'never') return null;
  if (life === 'own') return day ? `${day}T23:59:59Z` : undefined;
  return new Date(Date.now() + Number(life) * DAY).toISOString();
}

export function NewKeyDialog({ onClose, onDone }: { onClose: () => void; onDone: (made: FreshSecret) => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly ApiKeyScope[]>(['agents:read']);
  const [life, setLife] = useState('90');
  const [day, setDay] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const expiresAt = endOf(life, day);

  // No useMutation here: its cache would keep the secret after the dialog has closed.
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const { name: given, secret } = await raw<NewApiKey>('POST', '/api/keys', { name: name.trim(), scopes, expiresAt });
      onDone({ name: given, secret });
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  }
  return (
    <Dialog open onClose={onClose} title="Create an API key">
      <form className="stack" onSubmit={submit}>
        {problem && problem.fields.length === 0 && <ErrorNotice error={problem} title="The key was not created" />}
        <TextField label="Name" value={name} maxLength={100} autoComplete="off" placeholder="Nightly report" hint="What it is for, so that you know it again." error={problem?.at('/name')} onChange={(event) => setName(event.target.value)} />
        <fieldset className="field">
          <legend className="field-label">It may</legend>
          <div className="scope-list">
            {API_KEY_SCOPES.map((scope) => (
              <Checkbox key={scope} label={KEY_SCOPE_WORDS[scope].means} hint={<span className="mono">{scope}</span>} checked={scopes.includes(scope)}
                onChange={(on) => setScopes(API_KEY_SCOPES.filter((one) => (one === scope ? on : scopes.includes(one))))} />
            ))}
          </div>
          <FieldError error={problem?.at('/scopes')} />
        </fieldset>
        <SelectField label="Ends after" value={life} error={life === 'own' ? undefined : problem?.at('/expiresAt')} hint={life === 'never' ? 'A key that never ends is found by somebody one day. Prefer one that ends.' : undefined} onChange={(event) => setLife(event.target.value)}>
          {LIVES.map(({ value, word }) => <option key={value} value={value}>{word}</option>)}
        </SelectField>
        {life === 'own' && <TextField label="Last day (UTC)" type="date" min={dayText(Date.now())} value={day} error={problem?.at('/expiresAt')} onChange={(event) => setDay(event.target.value)} />}
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" busy={busy} disabled={!name.trim() || scopes.length === 0 || expiresAt === undefined}>Create the key</Button>
        </div>
      </form>
    </Dialog>
  );
}
