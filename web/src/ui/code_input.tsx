import { useRef, type ClipboardEvent, type KeyboardEvent } from 'react';

const LENGTH = 6;

/** Six digits in six boxes: typing moves on, Backspace back, and a pasted or autofilled code fills all. */
export function CodeInput({ value, onChange, onComplete, invalid, label = 'Six-digit code', autoFocus, describedBy }: {
  value: string; onChange: (value: string) => void; onComplete?: (value: string) => void;
  invalid?: boolean; label?: string; autoFocus?: boolean; describedBy?: string;
}) {
  const boxes = useRef<Array<HTMLInputElement | null>>([]);
  const focus = (index: number) => {
    const box = boxes.current[Math.max(0, Math.min(LENGTH - 1, index))];
    box?.focus();
    box?.select();
  };

  function put(index: number, typed: string) {
    const digits = typed.replace(/\D/g, '');
    if (!digits) return;
    const next = (value.slice(0, index) + digits + value.slice(index + digits.length)).slice(0, LENGTH);
    onChange(next);
    focus(index + digits.length);
    if (next.length === LENGTH) onComplete?.(next);
  }

  function keyDown(index: number, event: KeyboardEvent<HTMLInputElement>) {
    if (event.key === 'ArrowLeft') focus(index - 1);
    else if (event.key === 'ArrowRight') focus(index + 1);
    else if (event.key === 'Backspace') {
      const at = value[index] ? index : index - 1;
      onChange(value.slice(0, Math.max(0, at)) + value.slice(at + 1));
      focus(at);
    } else return;
    event.preventDefault();
  }

  function paste(index: number, event: ClipboardEvent<HTMLInputElement>) {
    event.preventDefault();
    put(event.clipboardData.getData('text').replace(/\D/g, '').length >= LENGTH ? 0 : index, event.clipboardData.getData('text'));
  }

  return (
    <div className="code-input" role="group" aria-label={label} aria-describedby={describedBy} data-invalid={invalid || undefined}>
      {Array.from({ length: LENGTH }, (_, index) => (
        <input key={index} ref={(box) => { boxes.current[index] = box; }} aria-label={`Digit ${index + 1}`}
          inputMode="numeric" autoComplete={index === 0 ? 'one-time-code' : 'off'} value={value[index] ?? ''}
          autoFocus={autoFocus && index === 0} aria-invalid={invalid || undefined}
          onFocus={(event) => event.target.select()}
          onChange={(event) => {
            const text = event.target.value;
            // A full box takes the character that is new.
            put(index, text.length === 2 && value[index] ? text.replace(value[index] ?? '', '') || text.slice(1) : text);
          }}
          onKeyDown={(event) => keyDown(index, event)} onPaste={(event) => paste(index, event)} />
      ))}
    </div>
  );
}
