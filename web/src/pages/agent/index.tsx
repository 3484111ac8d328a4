import './agent.css';
import { useQuery } from '@tanstack/react-query';
import { Suspense } from 'react';
import { useParams } from 'wouter';
import { agentQuery } from '../../api/queries';
import type { Agent as AgentData } from '../../api/types';
import { stateOf } from '../../app/agent_state';
import { ErrorBoundary } from '../../app/error_boundary';
import { lazyPage, type LazyPage } from '../../app/lazy_page';
import { NotFound } from '../../app/not_found';
import { Page } from '../../app/page';
import { asProblem } from '../../api/problem';
import { usePolling, useTopic } from '../../live/live';
import { ErrorNotice, Skeleton, Status } from '../../ui';
import { LinkTabs } from '../../ui/tabs';
import { Actions } from './actions';

export type TabProps = { agent: AgentData; etag: string | null };
type Tab = { id: string; title: string; page: LazyPage<TabProps> };

const TABS: Tab[] = [
  { id: '', title: 'Overview', page: lazyPage(() => import('./overview')) },
  { id: 'activity', title: 'Activity', page: lazyPage(() => import('./activity')) },
  { id: 'output', title: 'Output', page: lazyPage(() => import('./output')) },
  { id: 'metrics', title: 'Metrics', page: lazyPage(() => import('./metrics')) },
  { id: 'permissions', title: 'Permissions', page: lazyPage(() => import('./permissions')) },
  { id: 'credentials', title: 'Credentials', page: lazyPage(() => import('./credentials')) },
  { id: 'deployments', title: 'Deployments', page: lazyPage(() => import('./deployments')) },
  { id: 'settings', title: 'Settings', page: lazyPage(() => import('./settings')) },
];

export default function Agent() {
  const { id = '', tab = '' } = useParams<{ id: string; tab?: string }>();
  const shown = TABS.find((one) => one.id === tab);
  // Beside the agent, not after it.
  shown?.page.start();
  useTopic(`agent:${id}`);
  const polling = usePolling(5000);
  const { data, error, refetch } = useQuery({
    ...agentQuery(id),
    // While something goes on its steps follow one another quickly.
    refetchInterval: ({ state }) => (state.data?.agent.status === 'provisioning' ? 2000 : polling),
  });
  if (!data) {
    if (error && asProblem(error).status === 404) return <NotFound />;
    return (
      <Page title="Agent">
        {error ? <ErrorNotice error={error} title="The agent could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading the agent" />}
      </Page>
    );
  }
  if (!shown) return <NotFound />;
  const { agent } = data;
  const state = stateOf(agent);
  const Shown = shown.page;
  return (
    <Page title={agent.name} actions={<Actions agent={agent} />}
      lead={<span className="row-wrap agent-lead"><Status tone={state.tone}>{state.word}</Status>{state.reason && <span className="wrap-anywhere">{state.reason}</span>}</span>}>
      {error && (asProblem(error).status === 404
        ? <ErrorNotice error={error} title="This agent has been deleted" />
        : <ErrorNotice error={error} title="Not up to date: the server does not answer" retry={() => void refetch()} />)}
      <LinkTabs label={`Parts of ${agent.name}`} current={shown.id}
        tabs={TABS.map((one) => ({ id: one.id, title: one.title, href: `/agents/${agent.id}${one.id && `/${one.id}`}` }))} />
      <ErrorBoundary key={shown.id}>
        <Suspense fallback={<Skeleton label="Loading" />}><Shown key={agent.id} agent={agent} etag={data.etag} /></Suspense>
      </ErrorBoundary>
    </Page>
  );
}
