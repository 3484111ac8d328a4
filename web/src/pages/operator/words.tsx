import type { Client } from '../../api/types';
import { Status } from '../../ui';

export const ClientStatus = ({ status }: { status: Client['status'] }) => <Status tone={status === 'active' ? 'good' : 'bad'}>{status === 'active' ? 'Active' : 'Suspended'}</Status>;

export const clientHref = (id: string) => `/operator/clients/${encodeURIComponent(id)}`;

/** Buttons of which one is pressed: a filter with few values. */
export function Segments({ label, value, choices, onChange }: { label: string; value: string; choices: Array<{ value: string; word: string }>; onChange: (value: string) => void }) {
  return (
    <div className="segments" role="group" aria-label={label}>
      {choices.map((one) => <button key={one.value} type="button" aria-pressed={one.value === value} onClick={() => onChange(one.value)}>{one.word}</button>)}
    </div>
  );
}
