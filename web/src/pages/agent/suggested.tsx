import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { Badge, Button, Card, ErrorNotice, Time } from '../../ui';
import { count } from '../../ui/format';
import { suggestionsQuery, type Suggestion } from './queries';

const Seen = ({ one }: { one: { count: number; lastAt: string; example: string } }) => (
  <span className="muted small wrap-anywhere">{one.count === 1 ? 'Once' : `${count(one.count)} times, last`} <Time at={one.lastAt} />: <code>{one.example}</code></span>
);

/** What it was refused, and the narrowest change that would have let it through. */
export function Suggested({ agentId, allowed, allow }: { agentId: string; allowed: (one: Suggestion) => boolean; allow: ((one: Suggestion) => void) | null }) {
  const { data, error, refetch } = useQuery(suggestionsQuery(agentId));
  // The button that was pressed gives way to a word, which takes the focus: it would begin at the top again.
  const pressed = useRef<string | null>(null);
  const press = (one: Suggestion) => {
    pressed.current = one.id;
    allow?.(one);
  };
  const takeFocus = (id: string) => (word: HTMLElement | null) => {
    if (!word || pressed.current !== id) return;
    pressed.current = null;
    word.focus({ preventScroll: true });
  };
  if (!data && error) return <ErrorNotice error={error} title="What it was refused could not be loaded" retry={() => void refetch()} />;
  if (!data || data.items.length + data.notGrantable.length === 0) return null;
  return (
    <Card title="Refused in the last 30 days" hint="Nothing is allowed by itself.">
      <ul className="suggested">
        {data.items.map((one) => (
          <li key={one.id}>
            <div className="grow stack-1"><span className="wrap-anywhere">{one.sentence}</span><Seen one={one} /></div>
            {allowed(one)
              ? <span ref={takeFocus(one.id)} tabIndex={-1}><Badge tone="accent">in the draft</Badge></span>
              : allow && <Button size="small" onClick={() => press(one)}>Allow this</Button>}
          </li>
        ))}
        {data.notGrantable.map((one) => (
          <li key={`${one.host} ${one.rule} ${one.example}`}>
            <div className="grow stack-1"><span className="wrap-anywhere">{one.host}: {one.reason}</span><Seen one={one} /></div>
            <Badge>cannot be allowed</Badge>
          </li>
        ))}
      </ul>
    </Card>
  );
}
