// Which row of the page shows which agent.
//
// A list that is sorted anew shows other agents in the same places. Making their rows anew is what costs:
// so a row is a slot, and a slot that is free is given to who comes. As long as most of those shown stay,
// as when scrolling, each keeps its slot. The row with the focus always does, and when its agent goes away
// its slot is given to nobody: what has the focus would otherwise turn into another agent.

export type Slots = ReadonlyMap<string, number>;

/** The slots of the agents that are drawn now, in their order. `before` is what the page shows until now. */
export function slotsFor(before: Slots, ids: readonly string[], focused: string | null): Slots {
  const there = ids.filter((id) => before.has(id));
  const mostStay = there.length * 2 >= ids.length;
  const keeping = new Set(mostStay ? there : there.filter((id) => id === focused));
  const free = [...before].filter(([id]) => !keeping.has(id) && id !== focused).map(([, slot]) => slot);
  let fresh = Math.max(-1, ...before.values());
  const slots = new Map<string, number>();
  let taken = 0;
  for (const id of ids) {
    const own = keeping.has(id) ? before.get(id) : undefined;
    slots.set(id, own ?? free[taken++] ?? (fresh += 1));
  }
  return slots;
}
