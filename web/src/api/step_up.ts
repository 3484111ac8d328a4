// One code dialog for everybody who needs it: calls that are refused for want of a fresh second factor
// wait here together, and go on or give up together.

type Waiting = { promise: Promise<boolean>; finish: (confirmed: boolean) => void };

let waiting: Waiting | null = null;
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

/** Asks for a code; answers whether it was confirmed. Parallel callers share one dialog. */
export function requestStepUp(): Promise<boolean> {
  if (!waiting) {
    let finish: (confirmed: boolean) => void = () => {};
    const promise = new Promise<boolean>((resolve) => { finish = resolve; });
    waiting = { promise, finish };
    tell();
  }
  return waiting.promise;
}

/** Called by the dialog. */
export function finishStepUp(confirmed: boolean): void {
  const done = waiting;
  waiting = null;
  tell();
  done?.finish(confirmed);
}

export const stepUpStore = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  isOpen: (): boolean => waiting !== null,
};
