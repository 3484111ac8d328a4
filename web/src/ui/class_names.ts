/** Joins class names, leaving out what is false. */
export const classes = (...names: Array<string | false | null | undefined>): string => names.filter(Boolean).join(' ');
