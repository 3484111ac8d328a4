import { useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'wouter';

/** Tabs that are places: each has its own URL, so Back works and a tab can be linked. */
export function LinkTabs({ label, tabs, current }: { label: string; tabs: Array<{ id: string; title: ReactNode; href: string }>; current: string }) {
  const bar = useRef<HTMLElement>(null);
  // In a narrow window the bar scrolls: the current one is in sight.
  useEffect(() => {
    const tab = bar.current?.querySelector<HTMLElement>('[aria-current]');
    if (bar.current && tab) bar.current.scrollLeft = tab.offsetLeft - bar.current.offsetLeft - (bar.current.clientWidth - tab.clientWidth) / 2;
  }, [current]);
  return (
    <nav ref={bar} className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.id} href={tab.href} className="tab" aria-current={tab.id === current ? 'page' : undefined}>{tab.title}</Link>
      ))}
    </nav>
  );
}
