import { useEffect, type ReactNode } from 'react';
import { useBranding } from '../api/queries';
import { Brand } from './brand';

/** A page outside the frame: sign-in, onboarding, faults. */
export function AloneLayout({ title, lead, children, foot, wide }: { title: string; lead?: ReactNode; children: ReactNode; foot?: ReactNode; wide?: boolean }) {
  const branding = useBranding();
  useEffect(() => { document.title = `${title} · ${branding.name}`; }, [title, branding.name]);
  return (
    <div className="alone">
      <header className="alone-head"><Brand /></header>
      <main className={wide ? 'alone-main alone-wide' : 'alone-main'} id="content">
        <div className="alone-title">
          <h1>{title}</h1>
          {lead != null && <p className="muted">{lead}</p>}
        </div>
        {children}
        {foot != null && <div className="alone-foot muted small">{foot}</div>}
      </main>
    </div>
  );
}
