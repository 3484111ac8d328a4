import { useState } from 'react';
import { roleReaches, type AuditRecord, type Permissions } from '../../api/types';
import { useSession } from '../../app/guards';
import { Badge, Button, Card, Notice, Time, toast } from '../../ui';
import { permissionsBefore, permissionsIn, who } from './changes';
import type { TabProps } from './index';
import { draftOf, PERMISSIONS, permissionsFrom } from './permission_draft';
import { ReviewDialog } from './review_dialog';
import { PermissionChanges, Sentences } from './sentences';
import { useAgentPart } from './use_agent_part';

/** Every version of the permissions; each but the one that holds can be brought back after a look at what that changes. */
export function PermissionHistory({ changes, ...props }: TabProps & { changes: AuditRecord[] }) {
  const { user } = useSession();
  const [chosen, setChosen] = useState<Permissions | null>(null);
  const now = draftOf(props.agent.permissions);
  const versions = changes.flatMap((record) => {
    const permissions = permissionsIn(record);
    return permissions ? [{ record, permissions, holds: PERMISSIONS.same(draftOf(permissions), now) }] : [];
  });
  if (versions.length === 0) return null;
  return (
    <Card title="Permissions over time" hint="They hold at once; most changes need no deployment.">
      <ul className="suggested" aria-label="Versions of the permissions">
        {versions.map(({ record, permissions, holds }) => {
          const before = permissionsBefore(record, changes);
          return (
            <li key={record.seq}>
              <div className="grow stack-2">
                <span className="muted small"><Time at={record.createdAt} /> by {who(record, user.id)}</span>
                {before ? <PermissionChanges before={before} after={permissions} /> : permissions.scopes.length === 0 ? <p className="small">It may use nothing outside but AI models.</p> : <Sentences permissions={permissions} only={['may', 'ask']} />}
              </div>
              {holds ? <Badge tone="good">holds now</Badge> : roleReaches(user.role, 'member') && <Button size="small" onClick={() => setChosen(permissions)}>Roll back to these…</Button>}
            </li>
          );
        })}
      </ul>
      {chosen && <RollBack {...props} to={chosen} onClose={() => setChosen(null)} />}
    </Card>
  );
}

function RollBack({ to, onClose, ...props }: TabProps & { to: Permissions; onClose: () => void }) {
  const edit = useAgentPart(props, PERMISSIONS, draftOf(to));
  const look = 'They were changed elsewhere meanwhile. Look at what would change now first.';
  async function save() {
    if (edit.theirs !== null || await edit.save() === 'conflict') throw new Error(look);
    toast.good('These permissions hold again.');
  }
  return (
    <ReviewDialog title="Roll back to these permissions?" action="Roll back" agentId={props.agent.id} before={permissionsFrom(edit.base)} after={permissionsFrom(edit.draft)} onClose={onClose} onSave={save}
      note={edit.theirs !== null && (
        <Notice tone="warn" title="Changed elsewhere meanwhile" action={<Button size="small" onClick={edit.keepMine}>Show what would change now</Button>}>Below is what would have changed before.</Notice>
      )} />
  );
}
