import type { Permissions } from '../../api/types';
import { sentencesOf } from '../../app/permission_words';
import { IconCheck, IconClock, IconCross } from '../../ui';

const ICON = { may: IconCheck, ask: IconClock, not: IconCross };
const SAYS = { may: 'Allowed', ask: 'Asks first', not: 'Refused' };

/** Permissions in words; `only` leaves the others out. */
export function Sentences({ permissions, only }: { permissions: Permissions; only?: Array<'may' | 'ask' | 'not'> }) {
  return (
    <ul className="says">
      {sentencesOf(permissions).filter(({ kind }) => !only || only.includes(kind)).map(({ kind, text }) => {
        const Icon = ICON[kind];
        return <li key={text} data-kind={kind}><Icon /><span><span className="sr-only">{SAYS[kind]}: </span>{text}</span></li>;
      })}
    </ul>
  );
}
