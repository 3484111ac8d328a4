// Small things that only show.

import { useEffect, useState, type ReactNode } from 'react';
import { Button } from './button';
import { classes } from './class_names';
import { IconCheck, IconCopy } from './icons';

export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'idle';

/** A dot and a word: the colour is never the only sign. */
export const Status = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={`status status-${tone}`}><span className="status-dot" aria-hidden="true" />{children}</span>
);

export const Badge = ({ tone, children }: { tone?: 'accent' | 'good' | 'warn' | 'bad'; children: ReactNode }) => (
  <span className={classes('badge', tone && `badge-${tone}`)}>{children}</span>
);

export function Card({ title, hint, actions, children, foot }: { title?: ReactNode; hint?: ReactNode; actions?: ReactNode; children?: ReactNode; foot?: ReactNode }) {
  return (
    <section className="card">
      {(title != null || actions != null) && (
        <div className="card-head">
          <div>{title != null && <h2>{title}</h2>}{hint != null && <p>{hint}</p>}</div>
          {actions != null && <div className="row-wrap">{actions}</div>}
        </div>
      )}
      {children != null && <div className="card-body">{children}</div>}
      {foot != null && <div className="card-foot">{foot}</div>}
    </section>
  );
}

/** Nothing here yet: what would be here, and the next action. */
export const EmptyState = ({ icon, title, children, actions }: { icon?: ReactNode; title: ReactNode; children?: ReactNode; actions?: ReactNode }) => (
  <div className="empty">
    {icon != null && <div className="empty-mark">{icon}</div>}
    <h2>{title}</h2>
    {children != null && <p>{children}</p>}
    {actions != null && <div className="empty-actions">{actions}</div>}
  </div>
);

/** Grey lines while something loads; says so to screen readers. They appear after 300 ms. */
export function Skeleton({ label = 'Loading' }: { label?: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 250);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="skeleton-lines" role="status" aria-label={label}>
      {late && [1, 2, 3, 4].map((line) => <span className="skeleton" key={line} aria-hidden="true" />)}
    </div>
  );
}

export const Pairs = ({ children }: { children: ReactNode }) => <dl className="pairs">{children}</dl>;
export const Pair = ({ name, children }: { name: ReactNode; children: ReactNode }) => <><dt>{name}</dt><dd>{children}</dd></>;

export const Code = ({ children, label }: { children: ReactNode; label?: string }) => (
  <pre className="code" tabIndex={0} role="region" aria-label={label ?? 'Text'}>{children}</pre>
);

/** Copies text; says that it did. */
export function CopyButton({ text, label = 'Copy', size = 'small' }: { text: string; label?: string; size?: 'small' | 'medium' }) {
  const [done, setDone] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 2000);
  }
  return (
    <Button variant={size === 'small' ? 'ghost' : 'secondary'} size={size} onClick={() => void copy()}>
      {done ? <IconCheck /> : <IconCopy />}<span aria-live="polite">{done ? 'Copied' : label}</span>
    </Button>
  );
}
