import { useEffect, useId, useLayoutEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { asProblem } from '../api/problem';
import { Button } from './button';
import { classes } from './class_names';
import { TextField } from './field';
import { keepFocus } from './focus';
import { IconCross } from './icons';
import { Notice } from './notice';

type DialogProps = { open: boolean; onClose: () => void; title: ReactNode; children: ReactNode; wide?: boolean };

/** A modal dialog on the native element: it traps focus, closes on Escape and gives focus back. */
export function Dialog({ open, onClose, title, children, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current;
    if (!open || !dialog) return;
    const before = document.activeElement;
    dialog.showModal();
    // A field is what one came for. Without one, or where the first is out of sight, the keyboard begins at the
    // title: a button at the end would scroll past what is to be read before it is pressed.
    dialog.querySelector<HTMLElement>('.dialog-body :is(input, select, textarea)')?.focus();
    if (!dialog.querySelector('.dialog-body :focus') || dialog.scrollTop > 0) heading.current?.focus();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
      if (before !== document.body) keepFocus();
    };
  }, [open]);
  if (!open) return null;
  return (
    <dialog ref={element} className={classes('dialog', wide && 'dialog-wide')} aria-labelledby={titleId}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onMouseDown={(event) => { if (event.target === element.current) onClose(); }}>
      <div className="dialog-head">
        <h2 id={titleId} ref={heading} tabIndex={-1}>{title}</h2>
        <Button variant="ghost" size="small" iconOnly aria-label="Close" onClick={onClose}><IconCross /></Button>
      </div>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}

type ConfirmProps = {
  open: boolean; onClose: () => void; title: ReactNode; children: ReactNode; action: string;
  /** What must be typed before the button works, for what cannot be undone. */
  typeToConfirm?: string;
  danger?: boolean;
  wide?: boolean;
  onConfirm: () => Promise<unknown> | unknown;
};

/** Says what will happen, then does it; a failure is shown inside and the dialog stays. */
export function ConfirmDialog({ open, onClose, title, children, action, typeToConfirm, danger, wide, onConfirm }: ConfirmProps) {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => { if (open) { setTyped(''); setError(null); } }, [open]);
  // What ends after its dialog was closed closes nothing: another may be open by then.
  const closings = useRef(0);
  useLayoutEffect(() => () => { closings.current += 1; }, [open]);
  const ready = !typeToConfirm || typed.trim() === typeToConfirm;

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!ready || busy) return;
    const before = closings.current;
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      if (closings.current === before) onClose();
    } catch (failure) {
      const problem = asProblem(failure);
      if (problem.code !== 'step_up_cancelled') setError(problem.detail);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog open={open} onClose={onClose} title={title} wide={wide}>
      <form className="stack" onSubmit={submit}>
        <div className="stack-2">{children}</div>
        {typeToConfirm && (
          <TextField label={<>Type <strong className="wrap-anywhere">{typeToConfirm}</strong> to confirm</>} value={typed} autoComplete="off" spellCheck={false}
            onChange={(event) => setTyped(event.target.value)} />
        )}
        {error && <Notice tone="bad" title="That did not work">{error}</Notice>}
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant={danger ? 'danger' : 'primary'} disabled={!ready} busy={busy}>{action}</Button>
        </div>
      </form>
    </Dialog>
  );
}
