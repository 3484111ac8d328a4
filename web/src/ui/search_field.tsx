import { useEffect, useState } from 'react';
import { IconSearch } from './icons';

/** The search box above a list. */
export function SearchField({ label, placeholder, value, onChange }: { label: string; placeholder: string; value: string; onChange: (value: string) => void }) {
  return (
    <div className="input-search">
      <IconSearch size={14} />
      <input className="input" type="search" aria-label={label} placeholder={placeholder} value={value} autoComplete="off" spellCheck={false} onChange={(event) => onChange(event.target.value)} />
    </div>
  );
}

/** The value once it has not changed for a moment: what is typed is not searched for at every letter. */
export function useSettled<V extends string>(value: V, ms = 250): V {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
