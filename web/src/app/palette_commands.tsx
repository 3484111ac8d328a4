import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { agentsQuery } from '../api/queries';
import { roleReaches, type Agent } from '../api/types';
import { IconAgent, IconMoon, IconPlay, IconPlus, IconRestart, IconScreen, IconSignOut, IconStop, IconSun } from '../ui/icons';
import { useSignOut } from './account_menu';
import { ORDER_WORDS, ORDERS, type Order } from './agent_orders';
import { stateOf } from './agent_state';
import { useSession } from './guards';
import { usePlaces } from './navigation';
import type { Asked } from './order_dialog';
import { setTheme } from './theme';

/** `only`: found by words alone, too many to offer unasked. */
export type Command = { id: string; title: string; hint: string; icon: ReactNode; only?: boolean; run: () => void };

const ICONS: Record<Order, ReactNode> = { start: <IconPlay />, restart: <IconRestart />, stop: <IconStop /> };

/** Everything the palette can do here and now for this user. */
export function useCommands(onAsk: (asked: Asked) => void): Command[] {
  const places = usePlaces();
  const [, navigate] = useLocation();
  const { signOut } = useSignOut();
  const { user, client } = useSession();
  const { data: agents } = useQuery(agentsQuery);
  const may = roleReaches(user.role, 'member') && client.status !== 'suspended';
  return useMemo(() => {
    const ordersFor = (agent: Agent): Command[] => ORDERS.filter((order) => ORDER_WORDS[order].fits(agent)).map((order) => ({
      id: `${order} ${agent.id}`, title: `${ORDER_WORDS[order].title} ${agent.name}`, hint: 'Order', icon: ICONS[order], only: true,
      run: () => onAsk({ order, agents: [agent] }),
    }));
    return [
      ...(may ? [{ id: 'new', title: 'Deploy a new agent', hint: 'Action', icon: <IconPlus />, run: () => navigate('/agents/new') }] : []),
      ...places.map((place) => ({ id: place.href, title: place.title, hint: 'Page', icon: place.icon, run: () => navigate(place.href) })),
      ...(agents ?? []).map((agent) => ({ id: agent.id, title: agent.name, hint: `Agent, ${stateOf(agent).word.toLowerCase()}`, icon: <IconAgent />, run: () => navigate(`/agents/${agent.id}`) })),
      ...(may ? (agents ?? []).flatMap(ordersFor) : []),
      { id: 'light', title: 'Theme: light', hint: 'Action', icon: <IconSun />, only: true, run: () => setTheme('light') },
      { id: 'dark', title: 'Theme: dark', hint: 'Action', icon: <IconMoon />, only: true, run: () => setTheme('dark') },
      { id: 'system', title: 'Theme: as the system', hint: 'Action', icon: <IconScreen />, only: true, run: () => setTheme('system') },
      { id: 'out', title: 'Sign out', hint: 'Action', icon: <IconSignOut />, only: true, run: signOut },
    ];
  }, [places, agents, navigate, signOut, may, onAsk]);
}
