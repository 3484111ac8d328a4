// Permissions in plain words, for everybody who decides and is not an engineer.

import type { Permissions, Scope } from '../api/types';
import { count, listOf, usd } from '../ui/format';

export const SCOPES: Array<{ scope: Scope; title: string; may: string; mayNot: string; per: string }> = [
  { scope: 'email:read', title: 'Read e-mail', may: 'read e-mail of the mailboxes you connect', mayNot: 'read any e-mail', per: 'e-mail requests' },
  { scope: 'email:send', title: 'Send e-mail', may: 'send e-mail in your name', mayNot: 'send any e-mail', per: 'e-mails' },
  { scope: 'calendar:read', title: 'Read calendars', may: 'read your calendars', mayNot: 'read your calendars', per: 'calendar requests' },
  { scope: 'calendar:write', title: 'Change calendars', may: 'make and change appointments', mayNot: 'make or change appointments', per: 'changes of appointments' },
  { scope: 'files:read', title: 'Read files', may: 'read files in the services you connect, and its own earlier files', mayNot: 'read files', per: 'files' },
  { scope: 'files:write', title: 'Write files', may: 'change files in the services you connect, and keep its own memory across restarts', mayNot: 'change files, or keep its memory across a restart', per: 'changes of files' },
  { scope: 'messaging:send', title: 'Chat', may: 'read and write messages in the chats you connect', mayNot: 'send chat messages', per: 'messages' },
  { scope: 'api:outbound', title: 'Other websites and APIs', may: 'call the domains you list', mayNot: 'reach any other website or API', per: 'requests' },
];

export type Sentence = { kind: 'may' | 'ask' | 'not'; text: string };

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
      out.push({ kind: 'not', text: 'It cannot reach any other website or API: no domain is listed.' });
    } else if (granted.has(scope)) {
      const where = scope === 'api:outbound' ? `call ${listOf(domains.slice(0, 5))}${domains.length > 5 ? ` and ${domains.length - 5} more` : ''}` : may;
      const limit = limitText(permissions, scope, per);
      out.push(asks.has(scope)
        ? { kind: 'ask', text: `It may ${where}${limit}, but each time a person must approve it first.` }
        : { kind: 'may', text: `It may ${where}${limit}.` });
    } else {
      out.push({ kind: 'not', text: `It cannot ${mayNot}.` });
    }
  }
  const cap = permissions.maxDailyTokenSpend;
  if (cap === 0) out.push({ kind: 'not', text: 'It cannot call any AI model.' });
  else if (cap !== undefined) out.push({ kind: 'may', text: `It may spend up to ${usd(cap)} a day on AI models, then it stops until midnight UTC.` });
  const rank = { may: 0, ask: 1, not: 2 };
  return out.sort((a, b) => rank[a.kind] - rank[b.kind]);
}
