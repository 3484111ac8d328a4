// The resources of an agent, in the order in which they are shown.

export const RESOURCE_FIELDS = [
  { key: 'cpus', title: 'CPU cores', step: 0.05 }, { key: 'memoryMb', title: 'Memory, MB', step: 1 },
  { key: 'diskMb', title: 'Disk, MB', step: 1 }, { key: 'pids', title: 'Processes', step: 1 },
] as const;
export type ResourceKey = (typeof RESOURCE_FIELDS)[number]['key'];

export const resourceTitle = (key: string): string => RESOURCE_FIELDS.find((one) => one.key === key)?.title ?? key;
