// Permissions in plain words, for everybody who decides and is not an engineer.

import type { Permissions, Scope } from '../api/types';
import { count, listOf, usd } from '../ui/format';

type ScopeWords = { scope: Scope; title: string; may: string; mayNot: string; per: string; usual: { hour: number; day: number } };

/** `usual` holds where an agent has no limit of its own, as in src/domain/default_limits.cpp. */
export const SCOPES: ScopeWords[] = [
  { scope: 'email:read', title: 'Read e-mail', may: 'read e-mail of the mailboxes you connect', mayNot: 'read any e-mail', per: 'e-mail requests', usual: { hour: 1000, day: 10_000 } },
  { scope: 'email:send', title: 'Send e-mail', may: 'send e-mail in your name', mayNot: 'send any e-mail', per: 'e-mails', usual: { hour: 50, day: 200 } },
  { scope: 'calendar:read', title: 'Read calendars', may: 'read your calendars', mayNot: 'read your calendars', per: 'calendar requests', usual: { hour: 1000, day: 10_000 } },
  { scope: 'calendar:write', title: 'Change calendars', may: 'make and change appointments', mayNot: 'make or change appointments', per: 'changes of appointments', usual: { hour: 100, day: 500 } },
  { scope: 'files:read', title: 'Read files', may: 'read files in the services you connect, and its own earlier files', mayNot: 'read files', per: 'files', usual: { hour: 2000, day: 20_000 } },
  { scope: 'files:write', title: 'Write files', may: 'change files in the services you connect, and keep its own memory across restarts', mayNot: 'change files, or keep its memory across a restart', per: 'changes of files', usual: { hour: 500, day: 5000 } },
  { scope: 'messaging:send', title: 'Chat', may: 'read and write messages in the chats you connect', mayNot: 'send chat messages', per: 'messages', usual: { hour: 300, day: 2000 } },
  { scope: 'api:outbound', title: 'Other websites and APIs', may: 'call the domains you list', mayNot: 'reach any other website or API', per: 'requests', usual: { hour: 10_000, day: 100_000 } },
];

/** The name of a scope for people; what this page does not know stays as it is. */
export const scopeTitle = (scope: string): string => SCOPES.find((one) => one.scope === scope)?.title ?? scope;

/** `subject`: what the sentence is about, so that those of two versions can be compared. */
export type Sentence = { subject: Scope | 'spend'; kind: 'may' | 'ask' | 'not'; text: string };

function limitText(permissions: Permissions, scope: Scope, what: string): string {
  const limit = permissions.rateLimits?.[scope];
  const parts: string[] = [];
  if (limit?.maxPerHour !== undefined) parts.push(`${count(limit.maxPerHour)} ${what} an hour`);
  if (limit?.maxPerDay !== undefined) parts.push(`${count(limit.maxPerDay)}${parts.length > 0 ? '' : ` ${what}`} a day`);
  return parts.length > 0 ? `, at most ${parts.join(' and ')}` : '';
}

/** What an agent with these permissions may do, must ask for, and cannot do. */
export function sentencesOf(permissions: Permissions): Sentence[] {
  const out: Sentence[] = [];
  const granted = new Set(permissions.scopes);
  const asks = new Set(permissions.approval ?? []);
  const domains = permissions.allowedDomains ?? [];
  for (const { scope, may, mayNot, per } of SCOPES) {
    if (scope === 'api:outbound' && granted.has(scope) && domains.length === 0) {
      out.push({ subject: scope, kind: 'not', text: 'It cannot reach any other website or API: no domain is listed.' });
    } else if (granted.has(scope)) {
      const where = scope === 'api:outbound' ? `call ${listOf(domains.slice(0, 5))}${domains.length > 5 ? ` and ${domains.length - 5} more` : ''}` : may;
      const limit = limitText(permissions, scope, per);
      out.push(asks.has(scope)
        ? { subject: scope, kind: 'ask', text: `It may ${where}${limit}, but each time a person must approve it first.` }
        : { subject: scope, kind: 'may', text: `It may ${where}${limit}.` });
    } else {
      out.push({ subject: scope, kind: 'not', text: `It cannot ${mayNot}.` });
    }
  }
  const cap = permissions.maxDailyTokenSpend;
  if (cap === 0) out.push({ subject: 'spend', kind: 'not', text: 'It cannot call any AI model.' });
  else if (cap !== undefined) out.push({ subject: 'spend', kind: 'may', text: `It may spend up to ${usd(cap)} a day on AI models, then it stops until midnight UTC.` });
  const rank = { may: 0, ask: 1, not: 2 };
  return out.sort((a, b) => rank[a.kind] - rank[b.kind]);
}

export type PermissionChange = { key: string; kind: Sentence['kind']; before: string | null; after: string };

const PLAN_CAP: Sentence = { subject: 'spend', kind: 'may', text: 'It may spend what your plan allows a day on AI models.' };

/** What is different between two versions of an agent's permissions, each as a sentence before and after. */
export function permissionChanges(before: Permissions, after: Permissions): PermissionChange[] {
  const about = (permissions: Permissions, subject: Sentence['subject']) => sentencesOf(permissions).find((one) => one.subject === subject) ?? PLAN_CAP;
  const subjects: Array<Sentence['subject']> = [...SCOPES.map(({ scope }) => scope), 'spend'];
  const changes: PermissionChange[] = subjects.flatMap((subject) => {
    const [old, now] = [about(before, subject), about(after, subject)];
    return old.text === now.text ? [] : [{ key: subject, kind: now.kind, before: old.text, after: now.text }];
  });
  const domains = (permissions: Permissions) => permissions.allowedDomains ?? [];
  const added = domains(after).filter((one) => !domains(before).includes(one));
  const removed = domains(before).filter((one) => !domains(after).includes(one));
  if (added.length > 0) changes.push({ key: 'added', kind: 'may', before: null, after: `Domains added: ${listOf(added)}.` });
  if (removed.length > 0) changes.push({ key: 'removed', kind: 'not', before: null, after: `Domains removed: ${listOf(removed)}.` });
  return changes;
}

/** What an agent sees of its own files: a change of it needs a new container. */
export const ownFiles = ({ scopes }: Permissions): 'write' | 'read' | 'none' => (scopes.includes('files:write') ? 'write' : scopes.includes('files:read') ? 'read' : 'none');
