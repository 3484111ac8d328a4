import './deploy.css';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { OpenAgentPage } from '../../app/agent_page';
import { exitWords, hasEnded } from '../../app/agent_state';
import { Page } from '../../app/page';
import { api, ok } from '../../api/client';
import { agentQuery } from '../../api/queries';
import type { Agent, Deployment } from '../../api/types';
import { useTopic } from '../../live/live';
import { Button, ButtonLink, Card, Code, ConfirmDialog, ErrorNotice, IconCheck, IconWarn, Skeleton } from '../../ui';
import { sentence } from '../../ui/format';
import { channelOfConfig } from './after';
import { ProgressSteps } from './progress_steps';
import { TestKeys } from './test_keys';

/** A deployment while it runs, and its verdict. */
export default function ProgressPage() {
  const { id = '' } = useParams<{ id: string }>();
  useTopic(`agent:${id}`);
  const { data, error, refetch } = useQuery({
    ...agentQuery(id),
    // Steps follow one another within a second: events alone would come late after a lost connection.
    refetchInterval: (query) => (hasEnded(query.state.data?.agent.deployment ?? null) ? 10_000 : 1000),
  });
  if (!data) {
    return (
      <Page title="Deployment" narrow>
        {error ? <ErrorNotice error={error} title="The deployment could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading the deployment" />}
      </Page>
    );
  }
  const { agent } = data;
  return (
    <Page title={agent.name} lead={hasEnded(agent.deployment) ? 'Deployment' : 'Being deployed. You can leave this page; it goes on.'} narrow
      actions={agent.deployment?.state === 'live' ? undefined : <ButtonLink href={`/agents/${agent.id}`}>Agent’s page</ButtonLink>}>
      {error && <ErrorNotice error={error} title="Not up to date: the server does not answer" retry={() => void refetch()} />}
      <div className="verdict-place" aria-live="polite">{agent.deployment && hasEnded(agent.deployment) && <Verdict agent={agent} deployment={agent.deployment} />}</div>
      {agent.deployment
        ? <Card title="Steps"><ProgressSteps deployment={agent.deployment} /></Card>
        : <Card><p className="muted">It is stored and not deployed: start it on its page.</p></Card>}
      <TestKeys agentId={agent.id} />
      <Output agent={agent} />
    </Page>
  );
}

function Verdict({ agent, deployment }: { agent: Agent; deployment: Deployment }) {
  const { state } = deployment;
  const first = new URLSearchParams(window.location.search).has('first');
  if (state === 'live') {
    const channel = channelOfConfig(agent.config);
    // Without a chat its own page is where one talks to it: the next thing to do.
    const talks = agent.runtime === 'openclaw';
    return (
      <div className="verdict verdict-good">
        <div className="verdict-head"><IconCheck size={20} />It is live</div>
        <p>{channel ? channel.after : talks ? 'It runs and answers. Talk to it on its own page, or connect a chat in its settings when you like.' : 'It runs and answers.'}</p>
        {first && <p className="muted">Everything that it does, and everything that was refused, is in its activity log.</p>}
        <div className="row-wrap">
          {talks && !channel && <OpenAgentPage id={agent.id} variant="primary" label="Talk to it" />}
          <ButtonLink href={`/agents/${agent.id}`} variant={talks && !channel ? 'secondary' : 'primary'}>Open {agent.name}</ButtonLink>
          <ButtonLink href={`/agents/${agent.id}/activity`}>See its activity</ButtonLink>
          {talks && channel && <OpenAgentPage id={agent.id} />}
        </div>
      </div>
    );
  }
  return <BadVerdict agent={agent} deployment={deployment} />;
}

function BadVerdict({ agent, deployment }: { agent: Agent; deployment: Deployment }) {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [removing, setRemoving] = useState(false);
  const path = { id: agent.id };
  const again = useMutation({
    mutationFn: () => ok(agent.desiredState === 'stopped'
      ? api.POST('/api/agents/{id}/start', { params: { path }, body: {} })
      : api.POST('/api/agents/{id}/restart', { params: { path }, body: {} })),
    meta: { shown: true },
    onSettled: () => queries.invalidateQueries({ queryKey: ['agent', agent.id] }),
  });
  const { state } = deployment;
  const back = state === 'rolled_back';
  const title = back ? 'The change did not work; the version before runs again' : state === 'cancelled' ? 'This deployment was replaced by a later one' : 'It could not be deployed';
  return (
    <div className="verdict verdict-bad">
      <div className="verdict-head"><IconWarn size={20} />{title}</div>
      <p className="wrap-anywhere">{sentence(deployment.reason ?? agent.statusReason ?? 'No reason was recorded')}{exitWords(deployment)}</p>
      {deployment.lastOutput && <Code label="Last output">{deployment.lastOutput}</Code>}
      <p className="muted">{adviceFor(deployment)}</p>
      {again.error && <ErrorNotice error={again.error} />}
      <div className="row-wrap">
        <Button variant="primary" busy={again.isPending} onClick={() => again.mutate()}>Try again</Button>
        <ButtonLink href={`/agents/${agent.id}/settings`}>Change its settings</ButtonLink>
        {deployment.kind === 'create' && <Button variant="ghost" onClick={() => setRemoving(true)}>Roll back: delete it</Button>}
      </div>
      <ConfirmDialog open={removing} onClose={() => setRemoving(false)} title={`Delete ${agent.name}?`} action="Delete" danger typeToConfirm={agent.name}
        onConfirm={async () => {
          await ok(api.DELETE('/api/agents/{id}', { params: { path } }));
          void queries.invalidateQueries({ queryKey: ['agents'] });
          navigate('/agents');
        }}>
        <p>Its container, its files and its stored keys are deleted. What it did stays in the audit log.</p>
      </ConfirmDialog>
    </div>
  );
}

function adviceFor(deployment: Deployment): string {
  const last = deployment.steps.at(-1)?.name;
  if (deployment.exitCode === 78) return 'It does not accept its settings. The last output says which one.';
  if (last === 'image') return 'Its program could not be loaded. Nothing in your settings is wrong: try again in a few minutes, and if it fails again, tell support.';
  if (last === 'verify' || last === 'start' || last === 'network') return 'It started and did not become ready. The last output often says why.';
  return 'Try again; if it fails in the same way, the reason above is what support needs.';
}

function Output({ agent }: { agent: Agent }) {
  const running = !hasEnded(agent.deployment);
  const { data, error } = useQuery({
    queryKey: ['agent', agent.id, 'output', 'tail'],
    queryFn: async () => (await ok(api.GET('/api/agents/{id}/output', { params: { path: { id: agent.id }, query: { tail: 60 } } }))).items,
    refetchInterval: running ? 1500 : false,
  });
  if (error) return <ErrorNotice error={error} title="Its output could not be loaded" />;
  if (!data || data.length === 0) return null;
  return (
    <Card title="Output" hint="What the agent itself prints.">
      <Code label="Output of the agent">{data.map((line) => line.line.replace(ANSI, '')).join('\n')}</Code>
    </Card>
  );
}

// Colours and cursor movements, which mean nothing here.
const ANSI = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
