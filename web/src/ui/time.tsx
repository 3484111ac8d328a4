import { useEffect, useState } from 'react';

const UNITS: Array<[Intl.RelativeTimeFormatUnit, number]> = [
  ['year', 31_536_000], ['month', 2_592_000], ['week', 604_800], ['day', 86_400], ['hour', 3600], ['minute', 60],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** "3 minutes ago", "in 2 hours"; under a minute "just now" or seconds ahead. */
export function relativeTime(at: Date, now: Date): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 5 ? relative.format(seconds, 'second') : 'just now';
}

/** 2026-03-01 14:05:09 UTC */
export const utcTime = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** A time, relative to now by default; the exact one is in the tooltip. */
export function Time({ at, exact }: { at: string; exact?: boolean }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    if (exact) return;
    const timer = setInterval(() => setNow(new Date()), 15_000);
    return () => clearInterval(timer);
  }, [exact]);
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>–</>;
  return <time dateTime={at} title={utcTime(date)} className="num">{exact ? utcTime(date) : relativeTime(date, now)}</time>;
}
