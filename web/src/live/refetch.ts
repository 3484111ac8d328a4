// Fetches again what an event made stale: one round at a time for each key, so that a burst of events
// neither starts a fetch for each of them nor cancels the one that runs for ever.

type Round = { again: boolean; queryKey: readonly unknown[] };

const GATHER_MS = 50;

/** `refetch` resolves when the queries under the key have been fetched. */
export function makeRefetcher(refetch: (queryKey: readonly unknown[]) => Promise<unknown>, pause = GATHER_MS) {
  const rounds = new Map<string, Round>();

  async function run(name: string, round: Round): Promise<void> {
    do {
      await new Promise((done) => setTimeout(done, pause));
      round.again = false;
      await refetch(round.queryKey).catch(() => {});
    } while (round.again);
    rounds.delete(name);
  }

  return (...keys: Array<readonly unknown[]>): void => {
    for (const queryKey of keys) {
      const name = JSON.stringify(queryKey);
      const known = rounds.get(name);
      if (known) {
        known.again = true;
        continue;
      }
      const round: Round = { again: false, queryKey };
      rounds.set(name, round);
      void run(name, round);
    }
  };
}
