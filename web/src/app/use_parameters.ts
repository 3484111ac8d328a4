import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/** What a list shows is in the URL, so that a view can be linked and Back works. An empty value is left out. */
export function useParameters(): [URLSearchParams, (changes: Record<string, string | undefined>) => void] {
  const [search, setSearch] = useSearchParams();
  const put = useCallback((changes: Record<string, string | undefined>) => setSearch((before) => {
    const next = new URLSearchParams(before);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    return next;
  }, { replace: true }), [setSearch]);
  return [search, put];
}
