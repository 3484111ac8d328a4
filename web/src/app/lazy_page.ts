import { lazy, type ComponentType, type LazyExoticComponent } from 'react';

/** A page that is a chunk of its own. `start` begins to load it before it is shown: beside what it waits for, not after that. */
export type LazyPage<P = object> = LazyExoticComponent<ComponentType<P>> & { start: () => void };

export function lazyPage<P = object>(load: () => Promise<{ default: ComponentType<P> }>): LazyPage<P> {
  let loading: ReturnType<typeof load> | undefined;
  const once = () => {
    loading ??= load().catch((error: unknown) => {
      // Who shows it then tries once more, and tells.
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return Object.assign(lazy(once), { start: () => { once().catch(() => undefined); } });
}
