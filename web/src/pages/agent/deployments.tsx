import '../deploy/deploy.css';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { AuditRecord, Deployment } from '../../api/types';
import { useSession } from '../../app/guards';
import { usePolling } from '../../live/live';
import { Button, Card, Code, EmptyState, ErrorNotice, IconClock, Skeleton, Status, Time, type Tone } from '../../ui';
import { duration, listOf } from '../../ui/format';
import { ProgressSteps } from '../deploy/progress_steps';
import { causeOf, changedOf, isRollBack, who } from './changes';
import { DeployedVersion } from './deployed_version';
import type { TabProps } from './index';
import { PermissionHistory } from './permission_history';
import { changesQuery, deploymentsQuery } from './queries';
import { RollBackDialog } from './roll_back_dialog';

const STATE: Record<Deployment['state'], { word: string; tone: Tone }> = {
  queued: { word: 'Queued', tone: 'busy' }, pulling: { word: 'Getting the image', tone: 'busy' }, creating: { word: 'Creating', tone: 'busy' },
  starting: { word: 'Starting', tone: 'busy' }, verifying: { word: 'Verifying', tone: 'busy' },
  live: { word: 'Live', tone: 'good' }, failed: { word: 'Failed', tone: 'bad' }, rolled_back: { word: 'Rolled back', tone: 'warn' }, cancelled: { word: 'Replaced', tone: 'idle' },
};
const KIND: Record<Deployment['kind'], string> = { create: 'First deployment', update: 'Change', restart: 'Restart', start: 'Start', rollback: 'Back to the version before' };
const FIELD: Record<string, string> = { name: 'name', runtimeVersion: 'runtime version', config: 'configuration', permissions: 'permissions', resources: 'resources' };

export default function Deployments(props: TabProps) {
  const { agent } = props;
  const list = useInfiniteQuery({ ...deploymentsQuery(agent.id), refetchInterval: usePolling(5000) });
  const changes = useQuery(changesQuery(agent.id));
  const [back, setBack] = useState<Deployment | null>(null);
  const all = list.data?.pages.flatMap((page) => page.items);
  if (!all) return list.error ? <ErrorNotice error={list.error} title="The deployments could not be loaded" retry={() => void list.refetch()} /> : <Skeleton label="Loading deployments" />;
  return (
    <div className="stack-5">
      {all.length === 0
        ? <Card><EmptyState icon={<IconClock size={20} />} title="Not deployed yet">Start it, and how it went is shown here.</EmptyState></Card>
        : <ul className="stack-2" aria-label="Deployments">{all.map((one) => <li key={one.id}><OneDeployment {...props} deployment={one} changes={changes.data ?? []} rollBack={setBack} /></li>)}</ul>}
      {list.hasNextPage && <div><Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Older</Button></div>}
      {changes.error && !changes.data && <ErrorNotice error={changes.error} title="Who changed what could not be loaded" retry={() => void changes.refetch()} />}
      {changes.data && <PermissionHistory {...props} changes={changes.data} />}
      {back && <RollBackDialog {...props} deployment={back} onClose={() => setBack(null)} />}
    </div>
  );
}

type OneProps = TabProps & { deployment: Deployment; changes: AuditRecord[]; rollBack: (deployment: Deployment) => void };

function OneDeployment({ deployment, changes, ...version }: OneProps) {
  const { user } = useSession();
  const [open, setOpen] = useState(false);
  const { word, tone } = STATE[deployment.state] ?? { word: deployment.state, tone: 'busy' };
  const record = causeOf(deployment, changes);
  const changed = changedOf(record);
  return (
    <details className="deployment" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Status tone={tone}>{word}</Status>
        <span className="grow">
          {isRollBack(record) ? 'Roll back' : KIND[deployment.kind]}{changed.length > 0 && ` of ${listOf(changed.map((field) => FIELD[field] ?? field))}`}
          {record && <span className="muted"> by {who(record, user.id)}</span>}
        </span>
        <span className="muted small"><Time at={deployment.createdAt} />{deployment.endedAt && `, took ${duration(Date.parse(deployment.endedAt) - Date.parse(deployment.createdAt))}`}</span>
      </summary>
      <div className="stack">
        {deployment.reason && <p className="wrap-anywhere">{deployment.reason}{deployment.exitCode !== null && ` Exit code ${deployment.exitCode}.`}</p>}
        {open && <DeployedVersion {...version} deployment={deployment} />}
        <h2 className="version-title">How it went</h2>
        <ProgressSteps deployment={deployment} />
        {deployment.lastOutput && <Code label="Last output">{deployment.lastOutput}</Code>}
      </div>
    </details>
  );
}
