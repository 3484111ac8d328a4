// A line of an agent's output, as runs of text with a look. The server keeps no other sequences than
// those of looks, but nothing here relies on it: whatever could do more (cursor movements, links,
// titles) is dropped, and characters that hide or turn text are spelt out.

export type Run = { text: string; className: string };

type Look = { fg: number | null; bg: number | null; bold: boolean; dim: boolean; italic: boolean; underline: boolean };
const PLAIN: Look = { fg: null, bg: null, bold: false, dim: false, italic: false, underline: false };

// CSI, OSC (and the other strings), two-character escapes; what is cut off at the end goes too.
const ESCAPE = /\u001b(?:\[([0-?]*[ -/]*)([@-~])|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|\[[0-?]*[ -/]*$|[ -/]*[0-~]|$)|\u009b[0-?]*[ -/]*[@-~]?/g;
// `ESC [ > 4 ; 2 m` ends as a look does and is none.
const LOOK = /^[0-9;:]*$/;
// eslint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Control, direction and invisible characters as <U+202E>; tabs stay. */
export const visible = (text: string): string => text.replace(HIDDEN, (one) => `<U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`);

/** A progress bar writes its line again and again: the last writing counts. */
function lastWriting(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

export const plain = (line: string): string => visible(lastWriting(line).replace(ESCAPE, ''));

function change(look: Look, codes: string): Look {
  const next = { ...look };
  const numbers = codes.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 0) Object.assign(next, PLAIN);
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) { next.bold = false; next.dim = false; }
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code >= 30 && code <= 37) next.fg = code - 30;
    else if (code >= 90 && code <= 97) next.fg = code - 90 + 8;
    else if (code === 39) next.fg = null;
    else if (code >= 40 && code <= 47) next.bg = code - 40;
    else if (code >= 100 && code <= 107) next.bg = code - 100 + 8;
    else if (code === 49) next.bg = null;
    else if (code === 38 || code === 48) {
      // 256 colours: the first sixteen are ours. True colours could be unreadable here, and are left out.
      const short = numbers[at + 1] === 5;
      const colour = short ? numbers[at + 2] ?? null : null;
      const known = colour !== null && colour < 16 ? colour : null;
      if (code === 38) next.fg = known;
      else next.bg = known;
      at += short ? 2 : 4;
    }
  }
  return next;
}

const classOf = (look: Look) => [
  look.fg !== null && `ansi-${look.fg % 8}`, look.bg !== null && 'ansi-mark', (look.bold || (look.fg ?? 0) >= 8) && 'ansi-bold',
  look.dim && 'ansi-dim', look.italic && 'ansi-italic', look.underline && 'ansi-underline',
].filter(Boolean).join(' ');

export function runsOf(line: string): Run[] {
  const text = lastWriting(line);
  const runs: Run[] = [];
  let look = PLAIN;
  let at = 0;
  const put = (to: number) => {
    if (to > at) runs.push({ text: visible(text.slice(at, to)), className: classOf(look) });
  };
  for (const match of text.matchAll(ESCAPE)) {
    put(match.index);
    const codes = match[1] ?? '';
    if (match[2] === 'm' && LOOK.test(codes)) look = change(look, codes);
    at = match.index + match[0].length;
  }
  put(text.length);
  return runs;
}

export type Level = 'error' | 'warn' | 'info';

/** What a line says of itself; its stream does not tell, since many programs log to stderr. */
export function levelOf(text: string): Level {
  const head = text.slice(0, 240);
  if (/\b(fatal|panic|error|exception|traceback|critical)\b|\bERR\b|✖/i.test(head)) return 'error';
  if (/\bwarn(ing)?\b|⚠/i.test(head)) return 'warn';
  return 'info';
}
