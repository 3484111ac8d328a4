import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { roleReaches, type Deployment } from '../../api/types';
import { hasEnded } from '../../app/agent_state';
import { useSession } from '../../app/guards';
import { Button, ErrorNotice, IconCheck, Skeleton } from '../../ui';
import { keepFocus } from '../../ui/focus';
import type { TabProps } from './index';
import { versionQuery } from './queries';
import { isNothing, versionChange, versionOf } from './version';
import { VersionChanges } from './version_changes';

type Props = TabProps & { deployment: Deployment; rollBack: (deployment: Deployment) => void };

/** What a deployment changed against the one before, and the way back to it where it is not what the agent has now. */
export function DeployedVersion({ agent, etag, deployment, rollBack }: Props) {
  const { user } = useSession();
  // While it is compared with a newer state of the agent, what was known is shown.
  const { data, error, refetch } = useQuery({ ...versionQuery(agent.id, deployment.id, etag), placeholderData: (known) => known });
  const holds = data && isNothing(versionChange(versionOf(agent), data.version, data.sameSecrets.now));
  const offered = data !== undefined && !holds && agent.desiredState !== 'deleted' && roleReaches(user.role, 'member');
  // The button goes once it has done its work.
  useEffect(() => (offered ? keepFocus : undefined), [offered]);
  if (!data) return error ? <ErrorNotice error={error} title="What it changed could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading what it changed" />;
  const { version, before, sameSecrets } = data;
  const change = before && versionChange(before, version, sameSecrets.before);
  return (
    <section className="stack" aria-label="What it changed">
      <h2 className="version-title">What it changed</h2>
      {!before || !change ? <p>The first version.</p>
        : isNothing(change) ? <p className="muted">Nothing: what was deployed before was deployed again.</p>
          : <VersionChanges change={change} before={before} after={version} />}
      {holds && <p className="row muted"><IconCheck />{holdsText(deployment, agent.desiredState === 'running')}</p>}
      {offered && <div><Button onClick={() => rollBack(deployment)}>Roll back to this version…</Button></div>}
    </section>
  );
}

function holdsText(deployment: Deployment, runs: boolean): string {
  if (!hasEnded(deployment)) return 'This is being deployed now.';
  return runs && deployment.state === 'live' ? 'This is what is deployed now.' : 'These are the agent’s settings now.';
}
