// Times as <input type="datetime-local"> has them: to the minute, in the person's own zone.

/** In an address, where a span may stand: from … to …, which stays chosen while neither is there. */
export const OWN_TIME = 'own';

export function localTime(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}

/** Undefined for what is no time. */
export function isoTime(local: string): string | undefined {
  const at = local ? new Date(local) : null;
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
}
