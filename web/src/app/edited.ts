// Something that is being edited while others may change it too. A draft belongs to one version of what
// the server has, and carries that version's tag; it is saved with that tag and so never replaces a
// change that its author has not seen.

export type Version<T> = { value: T; tag: string | null };
export type Edited<T> = {
  /** What the draft was made from. */
  base: Version<T>;
  draft: T;
  /** What the server has now, when that is neither what the draft was made from nor the draft. */
  theirs: Version<T> | null;
};
export type Same<T> = (a: T, b: T) => boolean;

export const editedFrom = <T>(base: Version<T>, draft: T = base.value): Edited<T> => ({ base, draft, theirs: null });

/** The server has this version now. Gives the same object when nothing changes by it. */
export function seen<T>(state: Edited<T>, now: Version<T>, same: Same<T>): Edited<T> {
  const { base, draft, theirs } = state;
  if (same(now.value, base.value)) {
    // Another part was changed: this one goes on from the newer version.
    return now.tag === base.tag && !theirs ? state : { base: { value: base.value, tag: now.tag }, draft, theirs: null };
  }
  if (same(draft, now.value)) return editedFrom(now, draft);
  if (same(draft, base.value)) return editedFrom(now);
  return theirs && theirs.tag === now.tag && same(theirs.value, now.value) ? state : { base, draft, theirs: now };
}

/** What was sent is stored as this version; what was typed since stays. */
export const saved = <T>({ base, draft }: Edited<T>, sent: T, now: Version<T>, same: Same<T>): Edited<T> =>
  editedFrom(now, same(draft, sent) || same(draft, base.value) ? now.value : draft);

export const takeTheirs = <T>(state: Edited<T>): Edited<T> => (state.theirs ? editedFrom(state.theirs) : state);
/** The draft is now one of their version: its author has seen it, and saving replaces it. */
export const keepMine = <T>(state: Edited<T>): Edited<T> => (state.theirs ? editedFrom(state.theirs, state.draft) : state);
