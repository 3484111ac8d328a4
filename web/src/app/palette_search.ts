// Which of the palette's commands fit what is typed.

/** How well `words` fit `text`: every word must occur, at the start of a word and early is better; null when one does not. */
export function fit(text: string, words: string): number | null {
  const low = text.toLowerCase();
  let score = 0;
  for (const word of words.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = low.indexOf(word);
    if (at < 0) return null;
    score += at === 0 || low[at - 1] === ' ' ? at : at + 100;
  }
  return score;
}

/** The commands that fit the words, the best first; those with `only` are not offered without any. */
export function search<T extends { title: string; only?: boolean }>(commands: readonly T[], words: string, most = 12): T[] {
  const asked = words.trim() !== '';
  return commands
    .filter((command) => asked || !command.only)
    .map((command) => ({ command, score: fit(command.title, words) }))
    .filter((one): one is { command: T; score: number } => one.score !== null)
    .sort((a, b) => a.score - b.score)
    .slice(0, most)
    .map((one) => one.command);
}
