import { useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useTopic } from '../live/live';
import { Button } from '../ui/button';
import { IconCross, IconMenu, IconSearch } from '../ui/icons';
import { AccountMenu } from './account_menu';
import { Brand } from './brand';
import { useSession } from './guards';
import { usePlaces, type Place } from './navigation';
import { useApprovalNews, useDeploymentNews } from './notifications';
import { OrderDialog, type Asked } from './order_dialog';
import { Palette } from './palette';
import { usePendingApprovals } from './pending_approvals';

const GROUPS: Array<{ id: Place['group']; title: string | null }> = [
  { id: 'work', title: null }, { id: 'account', title: 'Account' }, { id: 'operator', title: 'Operator' },
];

function Navigation({ pending, onGo }: { pending: number; onGo?: () => void }) {
  const places = usePlaces();
  const [location] = useLocation();
  const isCurrent = (href: string) => location === href || location.startsWith(`${href}/`);
  return (
    <nav className="side-nav" aria-label="Main">
      {GROUPS.map((group) => {
        const own = places.filter((place) => place.group === group.id);
        if (own.length === 0) return null;
        return (
          <div key={group.id} className="side-group">
            {group.title && <div className="side-title">{group.title}</div>}
            <ul>
              {own.map((place) => (
                <li key={place.href}>
                  <Link href={place.href} className="side-link" aria-current={isCurrent(place.href) ? 'page' : undefined} onClick={onGo}>
                    {place.icon}{place.title}{place.href === '/approvals' && pending > 0 && <Waiting count={pending} />}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

/** A number beside a place: so much waits there. */
const Waiting = ({ count }: { count: number }) => (
  <><span className="side-count num" aria-hidden="true">{count > 99 ? '99+' : count}</span><span className="sr-only">, {count} waiting</span></>
);

/** The frame around every page: navigation at the side (a drawer in a narrow window), search, account. */
export function Shell({ children }: { children: ReactNode }) {
  const { client, user } = useSession();
  const [drawer, setDrawer] = useState(false);
  const [palette, setPalette] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [location] = useLocation();
  useTopic('agents');
  const approvals = usePendingApprovals();
  useDeploymentNews(user.id);
  useApprovalNews(user.id, approvals);
  useEffect(() => { setDrawer(false); }, [location]);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setPalette(true);
      }
      if (event.key === 'Escape') setDrawer(false);
    };
    window.addEventListener('keydown', key);
    return () => window.removeEventListener('keydown', key);
  }, []);

  return (
    <div className="shell" data-drawer={drawer || undefined}>
      <a className="skip-link" href="#content">Skip to content</a>
      <aside className="side">
        <div className="side-head">
          <Link href="/agents" className="side-brand"><Brand /></Link>
          <span className="side-close"><Button variant="ghost" iconOnly aria-label="Close navigation" onClick={() => setDrawer(false)}><IconCross /></Button></span>
        </div>
        <button type="button" className="search-button" onClick={() => setPalette(true)}>
          <IconSearch size={14} /><span className="grow">Search</span><kbd>⌘K</kbd>
        </button>
        <Navigation pending={approvals.pending} onGo={() => setDrawer(false)} />
        <div className="side-foot"><AccountMenu /></div>
      </aside>
      <div className="drawer-backdrop" onClick={() => setDrawer(false)} aria-hidden="true" />
      <div className="main">
        <header className="top">
          <Button variant="ghost" iconOnly aria-label="Open navigation" aria-expanded={drawer} onClick={() => setDrawer(true)}><IconMenu /></Button>
          <span className="grow"><Brand /></span>
          {approvals.pending > 0 && <Link href="/approvals" className="top-waiting small num">{approvals.pending} to approve</Link>}
          <Button variant="ghost" iconOnly aria-label="Search" onClick={() => setPalette(true)}><IconSearch /></Button>
        </header>
        {client.status === 'suspended' && (
          <div className="banner banner-bad" role="status">
            This account is suspended. You can read everything; agents do not run and nothing can be changed. Contact support.
          </div>
        )}
        <main id="content" tabIndex={-1} className="content">{children}</main>
      </div>
      {palette && <Palette onClose={() => setPalette(false)} onAsk={setAsked} />}
      <OrderDialog asked={asked} onClose={() => setAsked(null)} />
    </div>
  );
}
