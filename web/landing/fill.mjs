// Templates of the build. [[key]] is replaced when the pages are built; {{key}} is left for the api
// process, which fills in what the operator's settings say when it starts.

export const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// `text` with [[key]] replaced by values[key], escaped; [[&key]] unescaped; [[#key]]…[[/key]] once
// for each item of a list (its fields come first), or once when values[key] is truthy;
// [[^key]]…[[/key]] when it is not. An unknown key is an error.
export function fill(text, values) {
  const known = (key) => {
    if (!(key in values)) throw new Error(`nothing is known as [[${key}]]`);
    return values[key];
  };
  return text
    .replace(/\[\[([#^])([\w.]+)\]\]([^]*?)\[\[\/\2\]\]/g, (_, kind, key, inner) => {
      const value = known(key);
      if (kind === '^') return value ? '' : fill(inner, values);
      if (!Array.isArray(value)) return value ? fill(inner, values) : '';
      return value.map((item) => fill(inner, { ...values, ...(typeof item === 'object' ? item : { item }) })).join('');
    })
    .replace(/\[\[(&?)([\w.]+)\]\]/g, (_, raw, key) => (raw ? known(key) : escapeHtml(known(key))));
}
