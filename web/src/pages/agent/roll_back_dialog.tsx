import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useLayoutEffect, useRef, useState } from 'react';
import { api, ifMatch, okWithTag } from '../../api/client';
import { asProblem } from '../../api/problem';
import { agentQuery } from '../../api/queries';
import type { Agent, Deployment } from '../../api/types';
import { hasEnded } from '../../app/agent_state';
import { Button, ConfirmDialog, ErrorNotice, Notice, Skeleton, Time, toast } from '../../ui';
import type { TabProps } from './index';
import { LastDays } from './last_days';
import { versionQuery } from './queries';
import { isNothing, needsDeployment, versionChange, versionOf } from './version';
import { VersionChanges } from './version_changes';

const DEPLOYS = 'It is deployed again with these settings, and what it is doing now is cut off. If it does not become ready, what runs now runs again. Its files and credentials stay as they are.';
const WAITS = 'It is stopped: these settings hold from its next start. Its files and credentials stay as they are.';
const HOLDS = 'The permissions hold at once; it is not deployed again.';
const LOOK = 'It was changed elsewhere meanwhile. Look at what would change now first.';

/** Shows what the agent has now beside what it had then, and brings that back. */
export function RollBackDialog({ agent, etag, deployment, onClose }: TabProps & { deployment: Deployment; onClose: () => void }) {
  // What is compared belongs to one state of the agent, and is sent with the tag of it.
  const [base, setBase] = useState({ agent, etag });
  const { data, error, refetch } = useQuery(versionQuery(agent.id, deployment.id, base.etag));
  const roll = useRollBack(agent.id, deployment.id);
  const problem = roll.error ? asProblem(roll.error) : null;
  // While it is done, what the agent has changes by that itself.
  const torn = base.etag !== etag && !roll.isPending && !roll.isSuccess;
  const now = versionOf(base.agent);
  const change = data && versionChange(now, data.version, data.sameSecrets.now);

  // What fails after it was closed is told elsewhere.
  const closed = useRef(false);
  useLayoutEffect(() => {
    closed.current = false;
    return () => { closed.current = true; };
  }, []);

  async function confirm() {
    if (torn) throw new Error(LOOK);
    if (!change) throw new Error('What would change is not known yet.');
    if (isNothing(change)) return;
    const { deployment: made, desiredState } = await roll.mutateAsync(base.etag).catch((failure: unknown) => {
      if (closed.current) toast.problem(asProblem(failure));
      throw failure;
    });
    if (made && !hasEnded(made)) toast.good('Rolled back. It is being deployed.', { href: `/agents/${agent.id}/deploying`, title: 'Follow' });
    else toast.good(desiredState === 'running' ? 'Rolled back. It holds at once.' : 'Rolled back. It holds from the next start.');
  }
  function lookAgain() {
    roll.reset();
    setBase({ agent, etag });
  }

  return (
    // Another comparison is another question: what was said of the last one goes, and it is read from its beginning.
    <ConfirmDialog key={base.etag} open wide onClose={onClose} title="Roll back to this version?" action="Roll back" onConfirm={confirm}>
      <p className="muted">Deployed <Time at={deployment.createdAt} />. From what the agent has now to what it had then:</p>
      {!data && (error ? <ErrorNotice error={error} title="What would change could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading what would change" />)}
      {data && change && (isNothing(change)
        ? <p>Nothing: the agent has these settings now.</p>
        : <>
            <VersionChanges change={change} before={now} after={data.version} problem={problem} />
            {change.permissions.length > 0 && <LastDays agentId={agent.id} permissions={data.version.permissions} />}
            <Notice tone="info">
              {needsDeployment(change, now, data.version) ? base.agent.desiredState === 'running' ? DEPLOYS : WAITS : HOLDS}
              {change.config.some(({ unsure }) => unsure) && ' Hidden values become again what they were then.'}
            </Notice>
          </>)}
      {torn && (
        <Notice tone="warn" title="Changed elsewhere meanwhile" action={<Button size="small" onClick={lookAgain}>Show what would change now</Button>}>Above is what would have changed before.</Notice>
      )}
    </ConfirmDialog>
  );
}

function useRollBack(id: string, deployment: string) {
  const queries = useQueryClient();
  const key = agentQuery(id).queryKey;
  return useMutation({
    mutationFn: async (tag: string | null): Promise<Agent> => {
      try {
        const { data, etag } = await okWithTag(api.POST('/api/agents/{id}/deployments/{deployment}/restore', { params: { path: { id, deployment }, header: ifMatch(tag) } }));
        // A fetch that began before would bring the agent back as it was.
        await queries.cancelQueries({ queryKey: key, exact: true });
        queries.setQueryData(key, { agent: data.agent, etag });
        return data.agent;
      } catch (error) {
        if (asProblem(error).status !== 412) throw error;
        await queries.cancelQueries({ queryKey: key, exact: true });
        await queries.fetchQuery({ ...agentQuery(id), staleTime: 0 });
        throw new Error(LOOK);
      }
    },
    meta: { shown: true },
    onSettled: () => {
      for (const queryKey of [['agent', id], ['agents'], ['audit']]) void queries.invalidateQueries({ queryKey });
    },
  });
}
