import { useEffect, useRef, type ReactNode } from 'react';
import { useBranding } from '../api/queries';

/** The head of a page in the frame: its title (also the window's), what it is for, its actions. */
export function Page({ title, lead, actions, children, narrow }: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode; narrow?: boolean }) {
  const branding = useBranding();
  const heading = useRef<HTMLHeadingElement>(null);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => { document.title = `${title} · ${branding.name}`; }, [title, branding.name]);
  // A screen reader hears the new page; the first page of a visit keeps the browser's own focus, and a field that
  // begins the page keeps what it took.
  useEffect(() => { if (visits++ > 0 && !root.current?.contains(document.activeElement)) heading.current?.focus({ preventScroll: true }); }, []);
  return (
    <div ref={root} className={narrow ? 'page page-narrow' : 'page'}>
      <div className="page-head">
        <div className="grow">
          <h1 ref={heading} tabIndex={-1} className="wrap-anywhere">{title}</h1>
          {lead != null && <div className="muted page-lead">{lead}</div>}
        </div>
        {actions != null && <div className="row-wrap">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

let visits = 0;
