// What differs between two versions of an agent, as far as hidden values can be compared.

import type { Agent, AgentVersion } from '../../api/types';
import { isObject, pointerOf, sameJson, type Json } from '../../app/json';
import { ownFiles, permissionChanges, type PermissionChange } from '../../app/permission_words';
import { isSealed, kindOf } from './config_value';
import type { ShownDifference } from './differences';

/** What an agent has now, as a version. */
export const versionOf = ({ runtime, runtimeVersion, config, permissions, resources }: Agent): AgentVersion => ({ runtime, runtimeVersion, config, permissions, resources });

const isGroup = (value: Json | undefined) => value !== undefined && kindOf(value, '') === 'group';
const inner = (value: Json | undefined, key: string) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined);
const keysOf = (value: Json | undefined) => (isObject(value) ? Object.keys(value) : []);

// `same`: pointers of the hidden values that are the same in both.
function walk(before: Json | undefined, after: Json | undefined, same: ReadonlySet<string>, path: string[]): ShownDifference[] {
  if (isSealed(before) && isSealed(after)) return same.has(pointerOf(path)) ? [] : [{ path, before, after, unsure: true }];
  const [had, has] = [isGroup(before), isGroup(after)];
  // A group that came or went is told setting by setting.
  if ((had && has) || (had && after === undefined) || (has && before === undefined)) {
    const found = [...new Set([...keysOf(before), ...keysOf(after)])].flatMap((key) => walk(inner(before, key), inner(after, key), same, [...path, key]));
    if (found.length > 0 || had === has) return found;
  }
  if (Array.isArray(before) && Array.isArray(after) && sameJson(before, after)) {
    return before.flatMap((one, index) => walk(one, after[index], same, [...path, String(index)]));
  }
  return sameJson(before, after) ? [] : [{ path, before, after }];
}

export type VersionChange = { runtime: ShownDifference[]; resources: ShownDifference[]; config: ShownDifference[]; permissions: PermissionChange[] };

/** What is different; `same` is what the server says of hidden values, as pointers into a version. */
export function versionChange(before: AgentVersion, after: AgentVersion, same: readonly string[]): VersionChange {
  const known = new Set(same);
  const at = (part: keyof AgentVersion) => walk(before[part] as Json, after[part] as Json, known, [part]);
  return {
    runtime: [...at('runtime'), ...at('runtimeVersion')], resources: at('resources'), config: at('config'),
    permissions: permissionChanges(before.permissions, after.permissions),
  };
}

export const isNothing = ({ runtime, resources, config, permissions }: VersionChange): boolean => runtime.length + resources.length + config.length + permissions.length === 0;

/** Permissions are enforced outside of the container: most changes of them need no new one. */
export const needsDeployment = (change: VersionChange, before: AgentVersion, after: AgentVersion): boolean =>
  change.runtime.length + change.resources.length + change.config.length > 0 || ownFiles(before.permissions) !== ownFiles(after.permissions);
