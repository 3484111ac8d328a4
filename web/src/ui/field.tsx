import { useId, useState, type InputHTMLAttributes, type ReactElement, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react';
import { Button } from './button';
import { classes } from './class_names';
import { IconChevronDown, IconWarn } from './icons';

export type FieldProps = { label: ReactNode; hint?: ReactNode; error?: ReactNode; optional?: boolean };
type Wiring = { id: string; 'aria-describedby': string | undefined; 'aria-invalid': true | undefined };

/**
 * Label, control, hint and error, tied together for screen readers. `hideLabel`: what is
 * above says it already. `doubt`: what looks wrong and may be right all the same.
 */
export function Field({ label, hideLabel, hint, doubt, error, optional, children }: FieldProps & { hideLabel?: boolean; doubt?: ReactNode; children: (wiring: Wiring) => ReactElement }) {
  const id = useId();
  const described = classes(hint != null && `${id}-hint`, doubt != null && `${id}-doubt`, error != null && error !== '' && `${id}-error`);
  return (
    <div className="field">
      <label className={hideLabel ? 'sr-only' : 'field-label'} htmlFor={id}>
        {label}{optional && <span className="field-optional"> (optional)</span>}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? true : undefined })}
      {hint != null && <div className="field-hint" id={`${id}-hint`}>{hint}</div>}
      {doubt != null && <div className="field-doubt" id={`${id}-doubt`}><IconWarn size={14} /><span>{doubt}</span></div>}
      <FieldError id={`${id}-error`} error={error} />
    </div>
  );
}

export function FieldError({ id, error }: { id?: string; error?: ReactNode }) {
  if (error == null || error === '') return null;
  return <div className="field-error" id={id} role="alert"><IconWarn size={14} /><span>{error}</span></div>;
}

type TextProps = FieldProps & InputHTMLAttributes<HTMLInputElement>;

export function TextField({ label, hideLabel, hint, error, optional, className, ...input }: TextProps & { hideLabel?: boolean }) {
  return (
    <Field label={label} hideLabel={hideLabel} hint={hint} error={error} optional={optional}>
      {(wiring) => <input className={classes('input', className)} {...input} {...wiring} />}
    </Field>
  );
}

/** A password or another secret, with a button that shows it while it is typed. */
export function SecretField({ label, hint, doubt, error, optional, className, ...input }: TextProps & { doubt?: ReactNode }) {
  const [shown, setShown] = useState(false);
  return (
    <Field label={label} hint={hint} doubt={doubt} error={error} optional={optional}>
      {(wiring) => (
        <div className="input-group">
          <input className={classes('input input-with-end', className)} spellCheck={false} autoCapitalize="none" {...input} {...wiring}
            type={shown ? 'text' : 'password'} />
          <span className="input-group-end">
            <Button variant="ghost" size="small" aria-pressed={shown} onClick={() => setShown(!shown)}>{shown ? 'Hide' : 'Show'}</Button>
          </span>
        </div>
      )}
    </Field>
  );
}

export function TextAreaField({ label, hint, error, optional, className, ...input }: FieldProps & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Field label={label} hint={hint} error={error} optional={optional}>
      {(wiring) => <textarea className={classes('input', className)} {...input} {...wiring} />}
    </Field>
  );
}

export function SelectField({ label, hint, error, optional, children, ...input }: FieldProps & SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <Field label={label} hint={hint} error={error} optional={optional}>
      {(wiring) => (
        <span className="select-wrap">
          <select className="input" {...input} {...wiring}>{children}</select>
          <IconChevronDown />
        </span>
      )}
    </Field>
  );
}

type CheckProps = { label: ReactNode; hint?: ReactNode; checked: boolean; onChange: (checked: boolean) => void; disabled?: boolean };

export function Checkbox({ label, hint, checked, onChange, disabled }: CheckProps) {
  const id = useId();
  return (
    <label className="check">
      <input type="checkbox" aria-labelledby={`${id}-label`} aria-describedby={hint != null ? `${id}-hint` : undefined}
        checked={checked} disabled={disabled} onChange={(event) => onChange(event.target.checked)} />
      <span className="check-text">
        <span id={`${id}-label`}>{label}</span>{hint != null && <span className="check-hint" id={`${id}-hint`}>{hint}</span>}
      </span>
    </label>
  );
}

/** Something that is on or off at once, without a save button. */
export function Switch({ label, checked, onChange, disabled }: CheckProps) {
  return (
    <label className="switch">
      <input type="checkbox" role="switch" checked={checked} disabled={disabled} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}

export type Choice<V extends string> = { value: V; title: ReactNode; hint?: ReactNode; disabled?: boolean };

/** One of a few, as cards; native radio buttons, so arrow keys work. */
export function Choices<V extends string>({ legend, hideLegend, value, choices, onChange, wide, dense }: {
  legend: ReactNode; hideLegend?: boolean; value: V | null; choices: Array<Choice<V>>; onChange: (value: V) => void; wide?: boolean; dense?: boolean;
}) {
  const name = useId();
  return (
    <fieldset className="field">
      <legend className={hideLegend ? 'sr-only' : 'field-label'}>{legend}</legend>
      <div className={classes('choices', wide && 'choices-wide', dense && 'choices-dense')}>
        {choices.map((choice) => (
          <label className="choice" key={choice.value}>
            <input type="radio" name={name} value={choice.value} checked={value === choice.value} disabled={choice.disabled}
              aria-labelledby={`${name}-${choice.value}`} aria-describedby={choice.hint != null ? `${name}-${choice.value}-hint` : undefined}
              onChange={() => onChange(choice.value)} />
            <span className="choice-text">
              <span className="choice-title" id={`${name}-${choice.value}`}>{choice.title}</span>
              {choice.hint != null && <span className="choice-hint" id={`${name}-${choice.value}-hint`}>{choice.hint}</span>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
