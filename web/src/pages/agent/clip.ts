// Long texts beside one another, cut to where they differ.

const LONG = 240;
const LEAD = 40;

// Not between the two halves of a character.
const whole = (text: string, index: number): number => (/[\uDC00-\uDFFF]/.test(text.charAt(index)) ? index - 1 : index);

function commonStart(a: string, b: string): number {
  let index = 0;
  while (index < a.length && index < b.length && a[index] === b[index]) index += 1;
  return index;
}

/** The part of each in which they begin to differ; what is left out is marked with "…". */
export function clipPair(before: string, after: string): [string, string] {
  const common = commonStart(before, after);
  const from = Math.max(before.length, after.length) > LONG && common > 2 * LEAD ? common - LEAD : 0;
  const cut = (text: string) => {
    const [start, end] = [whole(text, from), whole(text, from + LONG)];
    return `${start > 0 ? '…' : ''}${text.slice(start, end)}${end < text.length ? '…' : ''}`;
  };
  return [cut(before), cut(after)];
}
