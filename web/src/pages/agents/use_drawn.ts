import { useCallback, useLayoutEffect, useRef, useState, type FocusEvent, type RefObject } from 'react';
import { flushSync } from 'react-dom';
import { DRAWN_WHOLE, drawnRanges, seenRange, STEP, type Range } from './drawn';

type Focus = { id: string; index: number };

export type Drawn = {
  ranges: Range[];
  /** Height of one row with what separates it from the next. */
  pitch: number;
  /** The agent whose row has the focus, or had it when it left the list. */
  focusedId: string | null;
  onFocus: (event: FocusEvent) => void;
  onBlur: (event: FocusEvent) => void;
};

const DEFAULT_PITCH = 64;

/** The pixels from one row to the next: all rows are of one height. */
function pitchOf(body: HTMLElement): number | null {
  const row = body.querySelector('tr[data-id]');
  if (!row) return null;
  return row.getBoundingClientRect().height + parseFloat(getComputedStyle(row).marginBottom);
}

/** Keeps the rows near the window and near the focus drawn. `ids` is the order of the rows. */
export function useDrawn(ids: readonly string[], body: RefObject<HTMLElement | null>): Drawn {
  const [seen, setSeen] = useState<Range>({ from: 0, to: STEP * 3 });
  const [pitch, setPitch] = useState(DEFAULT_PITCH);
  const [focus, setFocus] = useState<Focus | null>(null);
  const count = ids.length;
  const windowed = count > DRAWN_WHOLE;

  const look = useCallback((): void => {
    const element = body.current;
    const found = element && pitchOf(element);
    if (!element || !found) return;
    setPitch(found);
    const next = seenRange(-element.getBoundingClientRect().top, window.innerHeight, found);
    setSeen((before) => (before.from === next.from && before.to === next.to ? before : next));
  }, [body]);

  useLayoutEffect(() => {
    const element = body.current;
    if (!windowed || !element) return;
    look();
    // In the frame of the scrolling itself, so that no emptiness is ever painted.
    const scrolled = () => flushSync(look);
    const resized = new ResizeObserver(look);
    resized.observe(element);
    window.addEventListener('scroll', scrolled, { passive: true });
    window.addEventListener('resize', look);
    return () => {
      resized.disconnect();
      window.removeEventListener('scroll', scrolled);
      window.removeEventListener('resize', look);
    };
  }, [windowed, look, body]);

  // The row moves when the list is sorted anew. One that has left the list hands over to what is now in its place.
  const found = focus ? ids.indexOf(focus.id) : -1;
  const focused = focus && count > 0 ? (found >= 0 ? found : Math.min(focus.index, count - 1)) : null;
  if (focus && found >= 0 && found !== focus.index) setFocus({ id: focus.id, index: found });
  const heir = focus && found < 0 && focused !== null ? ids[focused] : undefined;
  useHandOver(body, heir);

  const order = useRef(ids);
  useLayoutEffect(() => { order.current = ids; }, [ids]);
  const onFocus = useCallback((event: FocusEvent) => {
    const id = event.target.closest<HTMLElement>('tr[data-id]')?.dataset.id;
    if (id) setFocus({ id, index: order.current.indexOf(id) });
  }, []);
  // Without a next element the window itself has lost the focus, and gives it back to the same place.
  const onBlur = useCallback((event: FocusEvent) => {
    if (event.relatedTarget && !event.currentTarget.contains(event.relatedTarget)) setFocus(null);
  }, []);
  return { ranges: drawnRanges(count, seen, focused), pitch, focusedId: focus?.id ?? null, onFocus, onBlur };
}

/** When the row with the focus is gone, and the focus with it, the row in its place takes it. */
function useHandOver(body: RefObject<HTMLElement | null>, heir: string | undefined): void {
  useLayoutEffect(() => {
    if (!heir || document.activeElement !== document.body) return;
    body.current?.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(heir)}"] a`)?.focus({ preventScroll: true });
  }, [body, heir]);
}
