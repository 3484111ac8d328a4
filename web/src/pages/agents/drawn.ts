// Which rows of a long list are in the page.
//
// Only those near the window are drawn. Three more groups always are, because the keyboard's next step
// may go to them and must find them there *before* the key is pressed: the neighbours of the row that
// has the focus, the first rows (Tab from the heads) and the last ones (Shift+Tab from below).

export type Range = { from: number; to: number };

/** Lists up to here are drawn whole: they cost nothing, and the browser's own search finds everything. */
export const DRAWN_WHOLE = 60;
const EDGE = 3;
const NEIGHBOURS = 8;
/** The window moves in steps of so many rows, and reaches as many beyond what is seen. */
export const STEP = 6;

/** Seen rows, from pixels: `above` is how far the list's top lies above the window's. */
export function seenRange(above: number, height: number, pitch: number): Range {
  const step = pitch * STEP;
  return {
    from: Math.max(0, (Math.floor(above / step) - 1) * STEP),
    to: Math.max(STEP * 2, (Math.ceil((above + height) / step) + 1) * STEP),
  };
}

/** The rows to draw of `count`, in order, apart from one another. `focused` is the row with the focus. */
export function drawnRanges(count: number, seen: Range, focused: number | null): Range[] {
  if (count <= DRAWN_WHOLE) return [{ from: 0, to: count }];
  const wanted: Range[] = [{ from: 0, to: EDGE }, seen, { from: count - EDGE, to: count }];
  if (focused !== null) wanted.push({ from: focused - NEIGHBOURS, to: focused + NEIGHBOURS + 1 });
  const cut = wanted
    .map(({ from, to }) => ({ from: Math.max(0, from), to: Math.min(count, to) }))
    .filter(({ from, to }) => from < to)
    .sort((a, b) => a.from - b.from);
  const out: Range[] = [];
  for (const range of cut) {
    const last = out.at(-1);
    if (last && range.from <= last.to) last.to = Math.max(last.to, range.to);
    else out.push(range);
  }
  return out;
}
