import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Json } from '../../app/json';
import { Button, IconPlus, SelectField, TextField } from '../../ui';
import { NEW_VALUES, type Kind } from './config_value';

/** Adds a setting of some kind to a group. `keys`: the names that the runtime takes here; none or `*`: any. */
export function AddSetting({ group, taken, keys = ['*'], add }: { group: string; taken: string[]; keys?: string[]; add: (key: string, value: Json) => void }) {
  const free = keys.includes('*') ? null : keys.filter((key) => !taken.includes(key));
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Kind>('text');
  const form = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLSpanElement>(null);
  useEffect(() => { if (open) form.current?.querySelector<HTMLElement>('input, select')?.focus(); }, [open]);
  const key = free ? name || free[0] || '' : name.trim();
  const fault = taken.includes(key) ? 'There is a setting of that name.' : null;

  function close() {
    setOpen(false);
    setName('');
    // The button is there again once this is drawn.
    requestAnimationFrame(() => opener.current?.querySelector('button')?.focus());
  }
  function put() {
    if (key === '' || fault) return;
    add(key, NEW_VALUES.find((one) => one.kind === kind)?.value() ?? '');
    close();
  }
  // Enter adds the setting instead of saving the form around it.
  function keyDown(event: KeyboardEvent) {
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
      event.preventDefault();
      put();
    }
    if (event.key === 'Escape') close();
  }

  if (free?.length === 0) return null;
  if (!open) return <span ref={opener}><Button size="small" variant="ghost" onClick={() => setOpen(true)}><IconPlus size={14} />{group ? `Add to ${group}` : 'Add a setting'}</Button></span>;
  return (
    <div className="add-setting" ref={form} onKeyDown={keyDown}>
      {free
        ? <SelectField label="Name" value={key} onChange={(event) => setName(event.target.value)}>{free.map((one) => <option key={one}>{one}</option>)}</SelectField>
        : <TextField label="Name" value={name} spellCheck={false} autoComplete="off" error={fault ?? undefined} onChange={(event) => setName(event.target.value)} />}
      <SelectField label="Kind" value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
        {NEW_VALUES.map((one) => <option key={one.kind} value={one.kind}>{one.title}</option>)}
      </SelectField>
      <div className="row-wrap">
        <Button onClick={put} disabled={key === '' || fault !== null}>Add</Button>
        <Button variant="ghost" onClick={close}>Cancel</Button>
      </div>
    </div>
  );
}
