// Permissions as the fields of the form hold them.

import type { Permissions, Scope } from '../../api/types';
import { sameJson } from '../../app/json';
import type { Suggestion } from './queries';
import type { AgentPart } from './use_agent_part';

export type Limit = { hour: string; day: string };
export type Draft = { scopes: Scope[]; approval: Scope[]; domains: string; cap: string; limits: Partial<Record<Scope, Limit>> };

export function draftOf(permissions: Permissions): Draft {
  const limits: Draft['limits'] = {};
  for (const [scope, limit] of Object.entries(permissions.rateLimits ?? {})) {
    limits[scope as Scope] = { hour: limit?.maxPerHour?.toString() ?? '', day: limit?.maxPerDay?.toString() ?? '' };
  }
  return {
    scopes: permissions.scopes, approval: permissions.approval ?? [], domains: (permissions.allowedDomains ?? []).join('\n'),
    cap: permissions.maxDailyTokenSpend?.toString() ?? '', limits,
  };
}

/** What the server holds an agent to where a field is empty; the other field counts when it is filled. */
export const leftEmpty = ({ hour, day }: Limit, usual: { hour: number; day: number }): { hour: number; day: number } => ({
  hour: day ? Number(day) : usual.hour, day: hour ? 24 * Number(hour) : usual.day,
});

const domainsOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

export function permissionsFrom(draft: Draft): Permissions {
  const rateLimits: NonNullable<Permissions['rateLimits']> = {};
  for (const scope of draft.scopes) {
    const limit = draft.limits[scope];
    if (!limit?.hour && !limit?.day) continue;
    rateLimits[scope] = { ...(limit.hour ? { maxPerHour: Number(limit.hour) } : {}), ...(limit.day ? { maxPerDay: Number(limit.day) } : {}) };
  }
  const domains = domainsOf(draft.domains);
  const approval = draft.approval.filter((scope) => draft.scopes.includes(scope));
  return {
    scopes: draft.scopes,
    ...(Object.keys(rateLimits).length > 0 ? { rateLimits } : {}),
    ...(domains.length > 0 ? { allowedDomains: domains } : {}),
    ...(draft.cap !== '' ? { maxDailyTokenSpend: Number(draft.cap) } : {}),
    ...(approval.length > 0 ? { approval } : {}),
  };
}

// No order counts in permissions.
const ordered = (permissions: Permissions) => ({
  ...permissions, scopes: [...permissions.scopes].sort(), approval: [...permissions.approval ?? []].sort(), allowedDomains: [...permissions.allowedDomains ?? []].sort(),
});

export const PERMISSIONS: AgentPart<Draft> = {
  of: (agent) => draftOf(agent.permissions),
  request: (draft) => ({ permissions: permissionsFrom(draft) }),
  same: (a, b) => sameJson(ordered(permissionsFrom(a)), ordered(permissionsFrom(b))),
};

export const withScope = (list: Scope[], scope: Scope, on: boolean): Scope[] => [...list.filter((one) => one !== scope), ...(on ? [scope] : [])];

/** The draft with what a suggestion adds, and whether that is in it already. */
export const allowing = (draft: Draft, { addScopes, addDomains }: Suggestion): Draft => ({
  ...draft,
  scopes: [...new Set([...draft.scopes, ...(addScopes as Scope[])])],
  domains: [...new Set([...domainsOf(draft.domains), ...addDomains])].join('\n'),
});
export function allows(draft: Draft, { addScopes, addDomains }: Suggestion): boolean {
  const domains = domainsOf(draft.domains);
  return addScopes.every((scope) => draft.scopes.includes(scope as Scope)) && addDomains.every((domain) => domains.includes(domain));
}
