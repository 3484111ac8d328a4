// What the audit log knows of an agent's changes: who made them, and its permissions then.

import type { AuditRecord, Deployment, Permissions } from '../../api/types';

const CAUSE: Partial<Record<Deployment['kind'], string>> = { create: 'agent_created', update: 'agent_updated', restart: 'agent_restarted', start: 'agent_started' };

// A restart or start is recorded in the same transaction as its deployment; their times are those of it.
const TOGETHER_MS = 2000;

/** The change that a deployment was made for. `changes`: newest first. */
export function causeOf(deployment: Deployment, changes: AuditRecord[]): AuditRecord | undefined {
  const sameTime = (record: AuditRecord) => Math.abs(Date.parse(record.createdAt) - Date.parse(deployment.createdAt)) < TOGETHER_MS;
  return changes.find((record) => record.actionType === CAUSE[deployment.kind]
    && (deployment.kind === 'update' ? record.metadata.generation === deployment.generation && changedOf(record).length > 0 : sameTime(record)));
}

/** The fields that a change was about. */
export function changedOf(record: AuditRecord | undefined): string[] {
  const changed = record?.metadata.changed;
  return Array.isArray(changed) ? changed.filter((one) => typeof one === 'string') : [];
}

/** Whether a change put the agent back to what an earlier deployment deployed. */
export const isRollBack = (record: AuditRecord | undefined): boolean => typeof record?.metadata.restoredFrom === 'string';

export function permissionsIn(record: AuditRecord): Permissions | null {
  const permissions = record.metadata.permissions as Partial<Permissions> | undefined;
  return permissions && Array.isArray(permissions.scopes) ? permissions as Permissions : null;
}

/** The permissions that held until this change, if the log that was fetched reaches so far back. */
export function permissionsBefore(record: AuditRecord, changes: AuditRecord[]): Permissions | null {
  const older = changes.filter((one) => one.seq < record.seq).map(permissionsIn);
  return older.find((one) => one !== null) ?? null;
}

const WHO: Record<AuditRecord['actor']['type'], string> = { user: 'a member', api_key: 'an API key', agent: 'the agent', system: 'the platform', operator: 'the operator' };

/** Who made it, in words that follow "by". */
export const who = ({ actor }: AuditRecord, userId: string): string => (actor.type === 'user' && actor.id === userId ? 'you' : WHO[actor.type] ?? actor.type);
