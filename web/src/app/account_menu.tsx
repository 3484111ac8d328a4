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

/** Ends the session and forgets everything it fetched; `stay` on a page that is for everybody. `leaving`: it is under way. */
export function useSignOut({ stay }: { stay?: boolean } = {}): { signOut: () => void; leaving: boolean } {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [leaving, setLeaving] = useState(false);
  const leave = async () => {
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
  const signOut = () => {
    setLeaving(true);
    void leave().finally(() => setLeaving(false));
  };
  return { signOut, leaving };
}

export function AccountMenu() {
  const { user, client } = useSession();
  const { supportEmail } = useBranding();
  const theme = useTheme();
  const { signOut, leaving } = useSignOut();
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
      <MenuItem icon={<IconSignOut />} onSelect={signOut}>Sign out</MenuItem>
    </Menu>
  );
}
