import '../deploy/deploy.css';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { roleReaches, type AuditRecord, type Deployment, type Permissions } from '../../api/types';
import { useSession } from '../../app/guards';
import { Button, Card, Code, EmptyState, ErrorNotice, IconClock, Skeleton, Status, Time, toast, type Tone } from '../../ui';
import { duration } from '../../ui/format';
import { ProgressSteps } from '../deploy/progress_steps';
import type { TabProps } from './index';
import { changesQuery, deploymentsQuery } from './queries';

const STATE: Partial<Record<Deployment['state'], { word: string; tone: Tone }>> = {
  live: { word: 'Live', tone: 'good' }, failed: { word: 'Failed', tone: 'bad' }, rolled_back: { word: 'Rolled back', tone: 'warn' }, cancelled: { word: 'Replaced', tone: 'idle' },
};
const KIND: Record<Deployment['kind'], string> = { create: 'First deployment', update: 'Change', restart: 'Restart', start: 'Start', rollback: 'Back to the version before' };

export default function Deployments({ agent }: TabProps) {
  const { user } = useSession();
  const list = useInfiniteQuery(deploymentsQuery(agent.id));
  const { data: changes = [] } = useQuery(changesQuery(agent.id));
  const all = list.data?.pages.flatMap((page) => page.items);
  const who = (record: AuditRecord | undefined) => (!record ? null : record.actor.type === 'user' ? (record.actor.id === user.id ? 'you' : 'a member') : record.actor.type.replace('_', ' '));
  if (!all) return list.error ? <ErrorNotice error={list.error} title="The deployments could not be loaded" retry={() => void list.refetch()} /> : <Skeleton label="Loading deployments" />;
  if (all.length === 0) return <EmptyState icon={<IconClock size={20} />} title="Not deployed yet">Start it, and how it went is shown here.</EmptyState>;
  return (
    <div className="stack-5">
      <ul className="stack-2">
        {all.map((one) => {
          const state = STATE[one.state] ?? { word: one.state, tone: 'busy' as const };
          const record = causeOf(one, changes);
          const changed = (record?.metadata as { changed?: unknown[] } | undefined)?.changed;
          return (
            <li key={one.id}>
              <details className="deployment">
                <summary>
                  <Status tone={state.tone}>{state.word}</Status>
                  <span className="grow">{KIND[one.kind]}{Array.isArray(changed) && `: ${changed.join(', ')}`}{who(record) && <span className="muted"> by {who(record)}</span>}</span>
                  <span className="muted small"><Time at={one.createdAt} />{one.endedAt && `, took ${duration(Date.parse(one.endedAt) - Date.parse(one.createdAt))}`}</span>
                </summary>
                <div className="stack">
                  {one.reason && <p className="wrap-anywhere">{one.reason}{one.exitCode !== null && ` Exit code ${one.exitCode}.`}</p>}
                  <ProgressSteps deployment={one} />
                  {one.lastOutput && <Code label="Last output">{one.lastOutput}</Code>}
                </div>
              </details>
            </li>
          );
        })}
      </ul>
      {list.hasNextPage && <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Older</Button>}
      <PermissionHistory agent={agent} changes={changes} />
    </div>
  );
}

/** The change that a deployment was made for: of its generation, or the last one just before it. */
function causeOf(deployment: Deployment, changes: AuditRecord[]): AuditRecord | undefined {
  const type: Record<string, string> = { create: 'agent_created', update: 'agent_updated', restart: 'agent_restarted', start: 'agent_started' };
  return changes.find((record) => record.actionType === type[deployment.kind] && (deployment.kind === 'update'
    ? (record.metadata as { generation?: number }).generation === deployment.generation
    : Math.abs(Date.parse(record.createdAt) - Date.parse(deployment.createdAt)) < 2000));
}

/** Permissions need no deployment; the log has every version of them. */
function PermissionHistory({ agent, changes }: { agent: TabProps['agent']; changes: AuditRecord[] }) {
  const { user } = useSession();
  const queries = useQueryClient();
  const restore = useMutation({
    mutationFn: (permissions: Permissions) => ok(api.PATCH('/api/agents/{id}', { params: { path: { id: agent.id } }, body: { permissions } })),
    onSuccess: () => toast.good('These permissions hold again.'),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ['agent', agent.id] }), queries.invalidateQueries({ queryKey: ['audit'] })]),
  });
  const versions = changes.filter((record) => (record.metadata as { permissions?: unknown }).permissions);
  if (versions.length === 0) return null;
  return (
    <Card title="Permissions over time" hint="They hold at once, without a deployment.">
      <ul className="suggested">
        {versions.map((record, index) => {
          const { permissions } = record.metadata as { permissions: Permissions };
          return (
            <li key={record.seq}>
              <span className="grow stack-1"><span><Time at={record.createdAt} /></span><span className="muted small wrap-anywhere">{permissions.scopes.join(', ') || 'no scope'}</span></span>
              {index > 0 && roleReaches(user.role, 'member') && <Button size="small" busy={restore.isPending && restore.variables === permissions} onClick={() => restore.mutate(permissions)}>Roll back to these</Button>}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
