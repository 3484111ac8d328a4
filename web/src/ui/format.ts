// Making a formatter costs more than all else in a row of a table: each is made once.
const dollars = (digits: number) => new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', minimumFractionDigits: 2, maximumFractionDigits: digits });
const cents = dollars(2);
const smallSums = dollars(4);
const whole = new Intl.NumberFormat('en-US');

/** $0.0042, $1.20, $1,204.00: small sums keep the digits that matter. */
export const usd = (amount: number): string => (amount !== 0 && Math.abs(amount) < 0.1 ? smallSums : cents).format(amount);

/** 512 B, 1.5 MB, 2 GB, in powers of 1024. */
export function bytes(amount: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = amount;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(value < 10 && unit > 0 ? 1 : 0))} ${units[unit]}`;
}

/** 12,345 */
export const count = (amount: number): string => whole.format(amount);

/** 950 ms, 4.2 s, 1 min 5 s */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** "a", "a and b", "a, b and c" */
export const listOf = (words: string[]): string => new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(words);

/** What the server gives as a reason, as a sentence of its own: its texts are made to follow a colon. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? '' : '.');
