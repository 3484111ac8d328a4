import type { ReactNode } from 'react';
import { useFeatures } from '../api/queries';
import { IconAgent, IconApproval, IconAudit, IconCard, IconKey, IconOperator, IconShield, IconTeam } from '../ui/icons';

export type Place = { href: string; title: string; icon: ReactNode; group: 'work' | 'account' | 'operator' };

/** The places this user can go to on this server, in order. */
export function usePlaces(): Place[] {
  const features = useFeatures('approvals', 'team', 'keys', 'billing', 'operator');
  const all: Array<Place | false> = [
    { href: '/agents', title: 'Agents', icon: <IconAgent />, group: 'work' },
    features.approvals && { href: '/approvals', title: 'Approvals', icon: <IconApproval />, group: 'work' },
    { href: '/audit', title: 'Audit log', icon: <IconAudit />, group: 'work' },
    features.team && { href: '/team', title: 'Team', icon: <IconTeam />, group: 'account' },
    features.keys && { href: '/keys', title: 'API keys', icon: <IconKey />, group: 'account' },
    features.billing && { href: '/billing', title: 'Billing', icon: <IconCard />, group: 'account' },
    { href: '/security', title: 'Security', icon: <IconShield />, group: 'account' },
    features.operator && { href: '/operator', title: 'Operator', icon: <IconOperator />, group: 'operator' },
  ];
  return all.filter((place) => place !== false);
}
