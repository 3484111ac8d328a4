import type { Role } from '../api/types';

/** What each role may do, from the most to the least. */
export const ROLES: Array<{ role: Role; title: string; may: string }> = [
  { role: 'owner', title: 'Owner', may: 'Everything, the account itself included.' },
  { role: 'admin', title: 'Admin', may: 'Agents and their credentials, the team and API keys.' },
  { role: 'member', title: 'Member', may: 'Deploys and changes agents, answers approvals.' },
  { role: 'viewer', title: 'Viewer', may: 'Reads everything, changes nothing.' },
];
export const roleTitle = (role: Role): string => ROLES.find((one) => one.role === role)?.title ?? role;
