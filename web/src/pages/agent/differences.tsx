import { useState } from 'react';
import { differencesOf, type Difference, type Json } from '../../app/json';
import { Button, FieldError } from '../../ui';
import { clipPair } from './clip';
import { isSealed } from './config_value';

// More than this at once is asked for.
const MOST = 20;
const HIDDEN = 'a hidden value';

const masked = (_key: string, value: unknown) => (isSealed(value as Json) ? `(${HIDDEN})` : value);
function shown(value: Json | undefined): string {
  if (value === undefined) return 'not set';
  if (isSealed(value)) return HIDDEN;
  return typeof value === 'string' ? value || '(empty)' : JSON.stringify(value, masked);
}

/** `unsure`: both have a hidden value here, and nobody can tell whether it is the same one. */
export type ShownDifference = Difference & { unsure?: boolean };
type Naming = { name?: (path: string[]) => string };
type ListProps = Naming & { all: ShownDifference[]; label?: string; wrong?: (path: string[]) => string | undefined };

/** Differences place by place, long values and lists cut until they are asked for. `wrong`: what is the matter with one. */
export function DifferenceList({ all, label = 'What differs', name = (path) => path.join(' › '), wrong }: ListProps) {
  const [whole, setWhole] = useState(false);
  const rows = all.map((one) => {
    const full: [string, string] = [shown(one.before), shown(one.after)];
    return { ...one, full, brief: clipPair(...full), fault: wrong?.(one.path) };
  });
  // What is wrong with one is not to be missed.
  const few = rows.filter(({ fault }, index) => index < MOST || fault !== undefined);
  const isCut = rows.some(({ full, brief }) => full[0] !== brief[0] || full[1] !== brief[1]);
  return (
    <div className="stack-2">
      <ul className="differences" aria-label={label}>
        {(whole ? rows : few).map(({ path, unsure, full, brief, fault }) => {
          const [before, after] = whole ? full : brief;
          return (
            <li key={JSON.stringify(path)}>
              <strong className="wrap-anywhere">{name(path) || 'All of it'}</strong>
              {unsure
                ? <span className="muted">{HIDDEN}, given anew or kept</span>
                : <span className="wrap-anywhere"><del>{before}</del> <span aria-hidden="true">→</span> <ins>{after}</ins></span>}
              <FieldError error={fault} />
            </li>
          );
        })}
      </ul>
      {(isCut || rows.length > few.length) && (
        <div><Button size="small" variant="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'Show less' : rows.length > few.length ? `Show all ${rows.length}` : 'Show whole values'}
        </Button></div>
      )}
    </div>
  );
}

/** What differs between two JSON values. */
export function Differences({ before, after, name }: Naming & { before: Json; after: Json }) {
  const all = differencesOf(before, after);
  return all.length === 0 ? <p className="muted">Nothing differs.</p> : <DifferenceList all={all} name={name} />;
}
