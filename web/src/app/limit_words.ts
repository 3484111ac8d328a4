// The names and values of a plan's limits in words. The server names them; one that is not known here is shown by its own name.

import { bytes, count, usd } from '../ui/format';

const NAMES: Record<string, string> = {
  agents: 'Agents', members: 'Members', tokensIn: 'Tokens in', tokensOut: 'Tokens out', spendUsd: 'Model spend',
  defaultDailyTokenSpendUsd: 'Default daily spend per agent', auditRetentionDays: 'Days the audit log is kept',
};

/** "maxOpenTabs" is "Max open tabs" where no better name is known. */
export function limitName(key: string): string {
  const words = key.replace(/(Usd|Mb)$/, '').replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return NAMES[key] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export function limitValue(key: string, value: number | null): string {
  if (value === null) return 'no limit';
  if (key.endsWith('Usd')) return usd(value);
  return key.endsWith('Mb') ? bytes(value * 1024 * 1024) : count(value);
}
