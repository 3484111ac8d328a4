// What a value in a runtime's configuration is, so that the form can offer the right field for it.

import { isObject, sameJson, type Json, type JsonObject } from '../../app/json';
import type { AgentPart } from './use_agent_part';

export type Kind = 'text' | 'number' | 'flag' | 'lines' | 'secret' | 'credential' | 'group' | 'other';

export const SEALED: JsonObject = { $sealed: true };
const only = (value: JsonObject, key: string) => Object.keys(value).length === 1 && Object.hasOwn(value, key);
export const isSealed = (value: Json | undefined): boolean => isObject(value) && only(value, '$sealed') && value.$sealed === true;
// The server seals strings under such names.
const SECRET_NAME = /(api[-_]?key|token|secret|password)$/i;

export function kindOf(value: Json, name: string): Kind {
  if (typeof value === 'string') return SECRET_NAME.test(name) ? 'secret' : 'text';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'flag';
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string') ? 'lines' : 'other';
  if (!isObject(value)) return 'other';
  if (isSealed(value)) return 'secret';
  return only(value, '$credential') && typeof value.$credential === 'string' ? 'credential' : 'group';
}

export const NEW_VALUES: Array<{ kind: Kind; title: string; value: () => Json }> = [
  { kind: 'text', title: 'Text', value: () => '' }, { kind: 'number', title: 'Number', value: () => 0 }, { kind: 'flag', title: 'Yes or no', value: () => false },
  { kind: 'lines', title: 'List', value: () => [] }, { kind: 'group', title: 'Group', value: () => ({}) },
];

/** "printEveryMs" is "Print every ms"; what does not look like a name of a program is left as it is. */
export function settingName(key: string): string {
  if (!/^[a-z][A-Za-z0-9_]*$/.test(key)) return key;
  const words = key.replaceAll('_', ' ').replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export type Parsed = { config: JsonObject; fault: null } | { config: null; fault: string };

export function parseConfig(text: string): Parsed {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? { config: value, fault: null } : { config: null, fault: 'It must be one JSON object.' };
  } catch (error) {
    return { config: null, fault: error instanceof Error ? error.message : 'This is not JSON.' };
  }
}

export const configText = (config: JsonObject): string => JSON.stringify(config, null, 2);

/** The draft is the text, so that the JSON view can hold what is not JSON yet. */
export const CONFIG: AgentPart<string> = {
  of: (agent) => configText(agent.config as JsonObject),
  request: (draft) => ({ config: parseConfig(draft).config ?? {} }),
  same: (a, b) => a === b || (parseConfig(a).config !== null && sameJson(parseConfig(a).config, parseConfig(b).config)),
};
