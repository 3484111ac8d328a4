import { useRef, useState } from 'react';
import { pointerOf, type Json, type JsonObject } from '../../app/json';
import { Button, Checkbox, Code, FieldError, IconTrash, SecretField, TextAreaField, TextField } from '../../ui';
import { AddSetting } from './add_setting';
import { isSealed, kindOf, SEALED, settingName } from './config_value';

type Shared = { disabled: boolean; wrong: (pointer: string) => string | undefined };
type GroupProps = Shared & { value: JsonObject; path: string[]; set: (value: JsonObject) => void; keys?: string[] };
type OneProps = Shared & { value: Json; path: string[]; set: (value: Json) => void };

/** A field for each setting of a group, and a way to add one. `keys`: which names there may be. */
export function ConfigFields({ value, path, set, keys, ...shared }: GroupProps) {
  const box = useRef<HTMLDivElement>(null);
  function remove(key: string) {
    set(Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)));
    // The button goes with its setting; the keyboard goes on from the group.
    box.current?.focus();
  }
  return (
    <div className="config-fields" ref={box} tabIndex={-1}>
      {Object.entries(value).map(([key, inner]) => (
        <div className="config-field" key={key}>
          <div className="grow"><Setting {...shared} value={inner} path={[...path, key]} set={(next) => set({ ...value, [key]: next })} /></div>
          {!shared.disabled && (
            <Button variant="ghost" size="small" iconOnly aria-label={`Remove ${[...path, key].join(' ')}`} title="Remove" onClick={() => remove(key)}><IconTrash size={14} /></Button>
          )}
        </div>
      ))}
      {!shared.disabled && <AddSetting group={path.map(settingName).join(' ')} taken={Object.keys(value)} keys={keys} add={(key, next) => set({ ...value, [key]: next })} />}
    </div>
  );
}

function Setting({ value, path, set, ...shared }: OneProps) {
  const { disabled, wrong } = shared;
  const key = path.at(-1) ?? '';
  const found = kindOf(value, key);
  // A number that is being retyped is null for a moment, and is still a number.
  const [kind, setKind] = useState(found);
  if (found !== kind && value !== null) setKind(found);
  const [wasSealed] = useState(() => isSealed(value));
  const label = settingName(key);
  const error = wrong(pointerOf(path));
  switch (kind) {
    case 'text':
      return <TextField label={label} value={value as string} disabled={disabled} spellCheck={false} error={error} onChange={(event) => set(event.target.value)} />;
    case 'number':
      return <TextField label={label} type="number" step="any" required value={value === null ? undefined : String(value)} disabled={disabled} error={error}
        onChange={(event) => set(Number.isFinite(event.target.valueAsNumber) ? event.target.valueAsNumber : null)} />;
    case 'flag':
      return <><Checkbox label={label} checked={value === true} disabled={disabled} onChange={set} /><FieldError error={error} /></>;
    case 'lines':
      return <TextAreaField label={label} rows={Math.min(8, (value as string[]).length + 1)} value={(value as string[]).join('\n')} disabled={disabled} hint="One a line." error={error}
        onChange={(event) => set(event.target.value === '' ? [] : event.target.value.split('\n'))} />;
    case 'secret':
      return <SecretField label={label} autoComplete="off" value={typeof value === 'string' ? value : ''} disabled={disabled} error={error} placeholder={wasSealed ? 'stored' : undefined}
        hint={wasSealed ? 'Stored and never shown. Type to replace it.' : 'It is stored sealed and not shown again.'} onChange={(event) => set(event.target.value === '' && wasSealed ? SEALED : event.target.value)} />;
    case 'credential':
      return <TextField label={label} value={(value as { $credential: string }).$credential} disabled={disabled} spellCheck={false} error={error}
        hint="The name of a credential; the agent sees a placeholder." onChange={(event) => set({ $credential: event.target.value })} />;
    case 'group':
      return (
        <fieldset className="config-group">
          <legend>{label}</legend>
          <FieldError error={error} />
          <ConfigFields {...shared} value={value as JsonObject} path={path} set={set} />
        </fieldset>
      );
    case 'other':
      return <div className="field"><span className="field-label">{label}</span><Code label={label}>{JSON.stringify(value)}</Code><span className="field-hint">Change it in the JSON view.</span><FieldError error={error} /></div>;
  }
}
