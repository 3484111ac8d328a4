import { useState } from 'react';
import { TextField } from '../ui';

type Props = { from: string; to: string; put: (changes: { from?: string; to?: string }) => void };

/** From … to …, in the person's own time. */
export function OwnTime({ from, to, put }: Props) {
  return (
    <>
      <Moment label="From (your time)" value={from} onChange={(value) => put({ from: value })} />
      <Moment label="To" value={to} onChange={(value) => put({ to: value })} />
    </>
  );
}

// While a year is typed it is the year 2, then 20, then 202.
const LEAST_YEAR = 2000;

/** Tells of whole times only; the field has what is typed until then. */
function Moment({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  const [before, setBefore] = useState(value);
  if (before !== value) {
    setBefore(value);
    setTyped(value);
  }
  return (
    <TextField label={label} type="datetime-local" value={typed} onChange={({ target }) => {
      setTyped(target.value);
      if (Number(target.value.split('-')[0]) >= LEAST_YEAR) onChange(target.value);
    }} onBlur={({ target }) => { if (target.value === '' && target.validity.valid) onChange(''); }} />
  );
}
