import { differencesOf, type Json } from '../../app/json';

const shown = (value: Json | undefined) => (value === undefined ? 'not set' : typeof value === 'string' ? value || '(empty)' : JSON.stringify(value));

/** What differs between two JSON values, place by place. */
export function Differences({ before, after, name = (path) => path.join(' › ') }: { before: Json; after: Json; name?: (path: string[]) => string }) {
  const all = differencesOf(before, after);
  if (all.length === 0) return <p className="muted">Nothing differs.</p>;
  return (
    <ul className="differences" aria-label="What differs">
      {all.map((one) => (
        <li key={JSON.stringify(one.path)}>
          <strong className="wrap-anywhere">{name(one.path) || 'All of it'}</strong>
          <span className="wrap-anywhere"><del>{shown(one.before)}</del> <span aria-hidden="true">→</span> <ins>{shown(one.after)}</ins></span>
        </li>
      ))}
    </ul>
  );
}
