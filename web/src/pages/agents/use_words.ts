import { useEffect, useState } from 'react';
import { useSearchParams } from 'wouter';

// Browsers refuse to change the URL for every key of a quick typist.
const SETTLED_MS = 250;

/** The words of the search: shown at once, in the URL (`q`) once the typing pauses; Back brings others. */
export function useWords(): [string, (words: string) => void] {
  const [search, setSearch] = useSearchParams();
  const inUrl = search.get('q') ?? '';
  const [words, setWords] = useState(inUrl);
  const [known, setKnown] = useState(inUrl);
  if (inUrl !== known) {
    setKnown(inUrl);
    setWords(inUrl);
  }

  useEffect(() => {
    if (words === inUrl) return;
    const timer = setTimeout(() => {
      setKnown(words);
      setSearch((before) => {
        const next = new URLSearchParams(before);
        if (words) next.set('q', words);
        else next.delete('q');
        return next;
      }, { replace: true });
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [words, inUrl, setSearch]);
  return [words, setWords];
}
