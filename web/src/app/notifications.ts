// Tells what a person would want to know while looking at something else.

import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { agentsQuery } from '../api/queries';
import type { Agent } from '../api/types';
import { usePolling } from '../live/live';
import { toast } from '../ui/toast';
import { endsOf, newEnds, type End, type Ends } from './news';
import type { PendingApprovals } from './pending_approvals';

// More at once than this are counted, not listed.
const TOLD_ONE_BY_ONE = 3;

// What has been told, by user. The frame may be mounted anew with every page; what is known must not be.
const known = new Map<string, { ends?: Ends; approval?: string }>();
const knownTo = (user: string) => {
  const found = known.get(user) ?? {};
  known.set(user, found);
  return found;
};

function tell(ends: End[]): void {
  if (ends.length > TOLD_ONE_BY_ONE) {
    const failed = ends.filter((one) => !one.good).length;
    const link = { href: failed > 0 ? '/agents?show=attention' : '/agents', title: 'Show the agents' };
    const text = `${ends.length} deployments have ended${failed > 0 ? `, ${failed} of them not well` : ''}.`;
    if (failed > 0) toast.bad(text, link);
    else toast.good(text, link);
    return;
  }
  for (const { agent, good, text } of ends) {
    if (good) toast.good(text, { href: `/agents/${agent.id}`, title: 'Open it' });
    else toast.bad(text, { href: `/agents/${agent.id}/deploying`, title: 'See why' });
  }
}

/** A deployment that ends is told, unless its agent's own page, which shows it, is open. */
export function useDeploymentNews(user: string): void {
  const { data: agents } = useQuery({ ...agentsQuery, refetchInterval: usePolling(10_000) });
  const [location] = useLocation();
  useEffect(() => {
    if (!agents) return;
    const memory = knownTo(user);
    const elsewhere = ({ agent }: { agent: Agent }) => !location.startsWith(`/agents/${agent.id}`);
    if (memory.ends) tell(newEnds(memory.ends, agents).filter(elsewhere));
    memory.ends = endsOf(agents);
  }, [agents, location, user]);
}

/** A request that came to wait for a person is told, unless the inbox is open. */
export function useApprovalNews(user: string, { known: answered, pending, newest }: PendingApprovals): void {
  const [location] = useLocation();
  useEffect(() => {
    if (!answered) return;
    const memory = knownTo(user);
    const latest = newest?.createdAt ?? '';
    const isNew = memory.approval !== undefined && latest > memory.approval;
    if (latest > (memory.approval ?? '') || memory.approval === undefined) memory.approval = latest;
    if (!isNew || !newest || location.startsWith('/approvals')) return;
    toast.info(pending === 1 ? `${newest.agentName} waits for your approval.` : `${newest.agentName} waits for your approval; ${pending} requests wait in all.`,
      { href: '/approvals', title: 'Look at it' });
  }, [answered, pending, newest, location, user]);
}
