import { bytes, count } from '../../ui/format';
import type { HeldRequest } from './queries';

const PER_LINE = 16;

/** Hexadecimal digits in pairs, sixteen a line, behind the place of the first. */
export function hexLines(digits: string): string {
  const lines: string[] = [];
  for (let at = 0; at < digits.length; at += PER_LINE * 2) {
    const pairs = digits.slice(at, at + PER_LINE * 2).match(/../g) ?? [];
    lines.push(`${(at / 2).toString(16).padStart(6, '0')}  ${pairs.join(' ')}`);
  }
  return lines.join('\n');
}

type Body = HeldRequest['request']['body'];

/** What the body is, in words. */
export function bodyTitle({ encoding, bytes: size }: Body): string {
  if (encoding === 'none') return 'No body';
  const long = size < 1024 ? `${count(size)} ${size === 1 ? 'byte' : 'bytes'}` : `${bytes(size)}, ${count(size)} bytes`;
  return encoding === 'hex' ? `Body: binary, shown as hex (${long})` : `Body: text (${long})`;
}

export const bodyText = ({ encoding, content }: Body): string => (encoding === 'hex' ? hexLines(content) : content);

export const headText = ({ method, url, headers }: HeldRequest['request']): string => [`${method} ${url}`, ...headers.map((pair) => pair.join(': '))].join('\n');

const ROLES: Record<string, string> = { to: 'To', cc: 'Cc', bcc: 'Bcc', channel: 'Channel', chat: 'Chat' };

/** Recipients by their role, in the order in which the roles first occur. */
export function byRole(recipients: ReadonlyArray<{ role: string; address: string }>): Array<[title: string, addresses: string[]]> {
  const out = new Map<string, string[]>();
  for (const { role, address } of recipients) {
    const title = ROLES[role.toLowerCase()] ?? (role || 'To');
    out.set(title, [...(out.get(title) ?? []), address]);
  }
  return [...out];
}
