import type { Permissions } from '../../api/types';
import { permissionChanges, sentencesOf, type Sentence } from '../../app/permission_words';
import { IconCheck, IconClock, IconCross } from '../../ui';

const ICON = { may: IconCheck, ask: IconClock, not: IconCross };
const SAYS = { may: 'Allowed', ask: 'Asks first', not: 'Refused' };

function Line({ kind, text, before }: { kind: Sentence['kind']; text: string; before?: string | null }) {
  const Icon = ICON[kind];
  return (
    <li data-kind={kind}>
      <Icon />
      <span>
        <span className="sr-only">{SAYS[kind]}: </span>{text}
        {before != null && <span className="says-before small">Before: {before}</span>}
      </span>
    </li>
  );
}

/** Permissions in words; `only` leaves the others out. */
export function Sentences({ permissions, only }: { permissions: Permissions; only?: Array<Sentence['kind']> }) {
  return (
    <ul className="says">
      {sentencesOf(permissions).filter(({ kind }) => !only || only.includes(kind)).map(({ subject, kind, text }) => <Line key={subject} kind={kind} text={text} />)}
    </ul>
  );
}

/** What a change of permissions comes to, in words. */
export function PermissionChanges({ before, after }: { before: Permissions; after: Permissions }) {
  const changes = permissionChanges(before, after);
  if (changes.length === 0) return <p className="muted">Nothing in the permissions differs.</p>;
  return <ul className="says" aria-label="What changes">{changes.map((one) => <Line key={one.key} kind={one.kind} text={one.after} before={one.before} />)}</ul>;
}
