import { Link } from 'wouter';
import type { ReactNode } from 'react';

/** Tabs that are places: each has its own URL, so Back works and a tab can be linked. */
export function LinkTabs({ label, tabs, current }: { label: string; tabs: Array<{ id: string; title: ReactNode; href: string }>; current: string }) {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.id} href={tab.href} className="tab" aria-current={tab.id === current ? 'page' : undefined}>{tab.title}</Link>
      ))}
    </nav>
  );
}
