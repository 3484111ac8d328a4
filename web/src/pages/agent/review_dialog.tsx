import type { ReactNode } from 'react';
import type { Permissions } from '../../api/types';
import { ownFiles } from '../../app/permission_words';
import { ConfirmDialog, Notice } from '../../ui';
import { LastDays } from './last_days';
import { PermissionChanges } from './sentences';

/** What a draft changes, in words and on the last 30 days, before it is saved. */
export function ReviewDialog({ title, action, note, agentId, before, after, onClose, onSave }: {
  title: string; action: string; note?: ReactNode; agentId: string; before: Permissions; after: Permissions; onClose: () => void; onSave: () => Promise<unknown>;
}) {
  return (
    <ConfirmDialog open onClose={onClose} title={title} action={action} onConfirm={onSave}>
      {note}
      <PermissionChanges before={before} after={after} />
      {ownFiles(before) !== ownFiles(after) && <Notice tone="info">What it sees of its own files changes, so it is deployed again.</Notice>}
      <LastDays agentId={agentId} permissions={after} />
    </ConfirmDialog>
  );
}
