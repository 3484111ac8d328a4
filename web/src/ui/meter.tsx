import type { ReactNode } from 'react';

/** How much of a limit is used: in words, and as a bar where there is a limit. */
export function Meter({ name, used, limit, text, small }: { name?: ReactNode; used: number; limit: number | null; text: ReactNode; small?: boolean }) {
  const share = limit ? Math.min(1, used / limit) : used > 0 && limit === 0 ? 1 : 0;
  return (
    <div className={small ? 'meter meter-small' : 'meter'}>
      <div className="meter-head">
        {name != null && <span>{name}</span>}
        <span className="num">{text}{share >= 1 && <span className="muted">, reached</span>}</span>
      </div>
      {limit !== null && <progress className="bar" max={1} value={share} data-full={share >= 0.9 || undefined} aria-label={`${Math.round(share * 100)} % used`} />}
    </div>
  );
}
