import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { api, ok } from '../api/client';
import { asProblem } from '../api/problem';
import { sessionQuery, useBranding } from '../api/queries';
import { setCsrfToken } from '../api/transport';
import { IconChevronDown, IconMail, IconMoon, IconScreen, IconShield, IconSignOut, IconSun } from '../ui/icons';
import { Menu, MenuHead, MenuItem, MenuLine } from '../ui/menu';
import { toast } from '../ui/toast';
import { useSession } from './guards';
import { setTheme, useTheme } from './theme';

/** Ends the session and forgets everything it fetched; `stay` on a page that is for everybody. */
export function useSignOut({ stay }: { stay?: boolean } = {}): () => Promise<void> {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  return async () => {
    try {
      await ok(api.POST('/api/auth/logout', { body: {} }));
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status !== 401) return toast.problem(problem);
    }
    setCsrfToken(null);
    if (stay) queries.removeQueries({ type: 'inactive' });
    else queries.clear();
    queries.setQueryData(sessionQuery.queryKey, null);
    if (!stay) navigate('/login', { replace: true });
  };
}

export function AccountMenu() {
  const { user, client } = useSession();
  const { supportEmail } = useBranding();
  const theme = useTheme();
  const signOut = useSignOut();
  const [leaving, setLeaving] = useState(false);
  const leave = () => {
    setLeaving(true);
    void signOut().finally(() => setLeaving(false));
  };
  const mark = (one: string) => (theme === one ? ' ✓' : '');
  return (
    <Menu label={`Account: ${client.name}`} busy={leaving} trigger={<>
      <span className="avatar" aria-hidden="true" data-letter={([...client.name][0] ?? '?').toUpperCase()} />
      <span className="account-name truncate">{client.name}</span><IconChevronDown size={14} />
    </>}>
      <MenuHead>{user.email}<br />{user.role}, plan {client.plan}</MenuHead>
      <MenuLine />
      <MenuItem icon={<IconScreen />} onSelect={() => setTheme('system')}>Theme: as the system{mark('system')}</MenuItem>
      <MenuItem icon={<IconSun />} onSelect={() => setTheme('light')}>Theme: light{mark('light')}</MenuItem>
      <MenuItem icon={<IconMoon />} onSelect={() => setTheme('dark')}>Theme: dark{mark('dark')}</MenuItem>
      <MenuLine />
      <MenuItem icon={<IconShield />} href="/security">Security</MenuItem>
      {supportEmail && <MenuItem icon={<IconMail />} onSelect={() => { window.location.href = `mailto:${supportEmail}`; }}>Support</MenuItem>}
      <MenuItem icon={<IconSignOut />} onSelect={leave}>Sign out</MenuItem>
    </Menu>
  );
}
