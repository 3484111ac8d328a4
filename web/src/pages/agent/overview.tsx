import '../deploy/deploy.css';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { runtimesQuery, useFeatures } from '../../api/queries';
import { api, ok } from '../../api/client';
import type { Agent, Health } from '../../api/types';
import { actionWords } from '../../app/action_words';
import { endWords, exitWords } from '../../app/agent_state';
import { usePolling, useTopic } from '../../live/live';
import { Badge, ButtonLink, Card, Code, CopyButton, ErrorNotice, Notice, Pair, Pairs, Skeleton, Status, Time, type Tone } from '../../ui';
import { bytes, count, sentence, usd } from '../../ui/format';
import { OutcomeBadge } from '../audit/entry_row';
import { entriesOf, namedTarget } from '../audit/filters';
import { ProgressSteps } from '../deploy/progress_steps';
import type { TabProps } from './index';
import { healthQuery, latestQuery, suggestionsQuery } from './queries';
import { Sentences } from './sentences';

const ENDED = ['live', 'failed', 'rolled_back', 'cancelled'];

export default function Overview({ agent }: TabProps) {
  const { deployment } = agent;
  const going = deployment !== null && !ENDED.includes(deployment.state);
  return (
    <div className="stack-5">
      <Failure agent={agent} />
      <Waiting agent={agent} />
      <div className="overview">
        <div className="stack-5">
          {going && <Card title="Being deployed" actions={<ButtonLink size="small" href={`/agents/${agent.id}/deploying`}>Follow</ButtonLink>}><ProgressSteps deployment={deployment} /></Card>}
          <HealthCard agent={agent} />
          <Latest agent={agent} />
        </div>
        <div className="stack-5">
          <Facts agent={agent} />
          <MayCard agent={agent} />
        </div>
      </div>
    </div>
  );
}

/** Why it does not run, with what it wrote last. */
function Failure({ agent }: { agent: Agent }) {
  const { deployment } = agent;
  const bad = deployment && (deployment.state === 'failed' || deployment.state === 'rolled_back');
  if (agent.status !== 'error' && !bad) return null;
  const back = deployment?.state === 'rolled_back' && agent.status === 'running';
  return (
    <Notice tone={back ? 'warn' : 'bad'} title={back ? 'The last change did not work; the version before runs again' : 'It does not run'}
      action={<ButtonLink size="small" href={`/agents/${agent.id}/output`}>See its output</ButtonLink>}>
      <div className="stack-2">
        <span>{sentence(deployment?.reason ?? agent.statusReason ?? 'No reason was recorded')}{deployment && exitWords(deployment)}</span>
        {deployment?.lastOutput && <Code label="Last output">{deployment.lastOutput}</Code>}
      </div>
    </Notice>
  );
}

/** Requests that wait for a person. */
function Waiting({ agent }: { agent: Agent }) {
  const { approvals } = useFeatures('approvals');
  useTopic(approvals ? 'approvals' : null);
  const { data } = useQuery({
    queryKey: ['approvals', 'pending', agent.id],
    queryFn: async () => {
      const response = await fetch(`/api/agents/${agent.id}/approvals?state=pending&limit=1`, { credentials: 'same-origin', headers: { Accept: 'application/json' } });
      return response.ok ? ((await response.json()) as { pending?: number }).pending ?? 0 : 0;
    },
    enabled: approvals,
    refetchInterval: usePolling(5000),
  });
  if (!data) return null;
  return (
    <Notice tone="warn" title={data === 1 ? 'One request waits for your approval' : `${count(data)} requests wait for your approval`}
      action={<ButtonLink size="small" href={`/approvals?agent=${agent.id}`}>Look at {data === 1 ? 'it' : 'them'}</ButtonLink>} />
  );
}

const WORD: Record<Health['status'], { word: string; tone: Tone }> = {
  healthy: { word: 'Healthy', tone: 'good' }, unhealthy: { word: 'Unhealthy', tone: 'bad' }, starting: { word: 'Starting', tone: 'busy' }, stopped: { word: 'Stopped', tone: 'idle' },
};
const CHECK: Record<string, { word: string; tone: Tone }> = { pass: { word: 'Yes', tone: 'good' }, fail: { word: 'No', tone: 'bad' } };
const CHECK_TITLE: Record<string, string> = { live: 'Process answers', started: 'Has started', ready: 'Ready to work' };

function HealthCard({ agent }: { agent: Agent }) {
  const { data: health, error, refetch } = useQuery({ ...healthQuery(agent.id), refetchInterval: 10_000 });
  if (error && !health) return <ErrorNotice error={error} title="Its health could not be loaded" retry={() => void refetch()} />;
  if (!health) return <Card title="Health"><Skeleton label="Loading health" /></Card>;
  const { word, tone } = WORD[health.status];
  return (
    <Card title="Health" actions={<Status tone={tone}>{word}</Status>}>
      <div className="stack">
        {health.statusReason && <p className="wrap-anywhere">{health.statusReason}</p>}
        {health.nextRetryAt && <Notice tone="warn">It is started again <NextRetry at={health.nextRetryAt} />.</Notice>}
        {health.checks.length > 0 && (
          <ul className="checks">
            {health.checks.map((check) => (
              <li key={check.name}>
                <span className="check-name">{CHECK_TITLE[check.name] ?? check.name}</span>
                <Status tone={CHECK[check.status]?.tone ?? 'idle'}>{CHECK[check.status]?.word ?? check.status}</Status>
                {/* Addresses and numbers help only where something is wrong. */}
                <span className="muted small grow check-detail">{check.status !== 'pass' && check.detail}</span>
                <span className="muted small"><Time at={check.at} /></span>
              </li>
            ))}
          </ul>
        )}
        <Pairs>
          <Pair name="Restarts">{count(health.restarts)}</Pair>
          {health.lastExitCode !== null && <Pair name="Why it last ended">{endWords(health.lastExitCode)} <span className="muted">(exit code {health.lastExitCode})</span></Pair>}
        </Pairs>
      </div>
    </Card>
  );
}

function NextRetry({ at }: { at: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.ceil((Date.parse(at) - now) / 1000);
  return <span className="num">{seconds > 0 ? `in ${seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`}` : 'now'}</span>;
}

function Facts({ agent }: { agent: Agent }) {
  const { data: runtimes } = useQuery(runtimesQuery);
  const runtime = runtimes?.find((one) => one.name === agent.runtime);
  const { resources, usage, spend } = agent;
  const cap = spend?.capUsd ?? agent.permissions.maxDailyTokenSpend ?? null;
  return (
    <Card title="At a glance">
      <Pairs>
        <Pair name="Runtime">{runtime?.title ?? agent.runtime} {agent.runtimeVersion}{runtime && runtime.version !== agent.runtimeVersion && <> <Badge tone="accent">version {runtime.version} is out</Badge></>}</Pair>
        <Pair name="CPU">{usage ? `${(usage.cpuPercent / 100).toFixed(2)} of ` : ''}{resources.cpus} {resources.cpus === 1 ? 'core' : 'cores'}</Pair>
        <Pair name="Memory">{usage?.memoryBytes != null ? `${bytes(usage.memoryBytes)} of ` : ''}{bytes(resources.memoryMb * 1048576)}</Pair>
        <Pair name="Disk">{bytes(resources.diskMb * 1048576)}</Pair>
        <Pair name="Model spend">{spend ? <>{usd(spend.todayUsd)} today{cap === null ? '' : ` of ${usd(cap)}`}</> : cap === null ? 'the plan’s daily cap' : <>at most {usd(cap)} a day</>}</Pair>
        {agent.host && <Pair name="Host"><span className="wrap-anywhere">{agent.host}</span></Pair>}
        <Pair name="Deployed"><Time at={agent.deployment?.endedAt ?? agent.createdAt} /></Pair>
        <Pair name="Created"><Time at={agent.createdAt} /></Pair>
        <Pair name="Id"><span className="copyable"><code>{agent.id.slice(0, 8)}…</code><CopyButton text={agent.id} label="Copy" /></span></Pair>
      </Pairs>
    </Card>
  );
}

function MayCard({ agent }: { agent: Agent }) {
  const { data } = useQuery(suggestionsQuery(agent.id));
  const wanted = data?.items.length ?? 0;
  const none = agent.permissions.scopes.length === 0;
  return (
    <Card title="What it may do" actions={<ButtonLink size="small" href={`/agents/${agent.id}/permissions`}>Permissions</ButtonLink>}>
      <div className="stack">
        {none ? <p className="muted">It may reach nothing outside its box but the models that you pay for.</p> : <Sentences permissions={agent.permissions} only={['may', 'ask']} />}
        {wanted > 0 && <p className="small"><Link href={`/agents/${agent.id}/permissions`}>{wanted === 1 ? 'One thing' : `${count(wanted)} things`}</Link> it was refused could be allowed.</p>}
      </div>
    </Card>
  );
}

function Latest({ agent }: { agent: Agent }) {
  useTopic('audit');
  const { data, error } = useQuery({ ...latestQuery(agent.id), refetchInterval: usePolling(10_000) });
  const { data: denied } = useQuery({
    queryKey: ['audit', agent.id, 'denied', 'day'],
    queryFn: async () => (await ok(api.GET('/api/agents/{id}/logs', { params: { path: { id: agent.id }, query: { outcome: 'denied', from: new Date(Date.now() - 86_400_000).toISOString(), limit: 100 } } }))).items.length,
    refetchInterval: 60_000,
  });
  return (
    <Card title="Latest activity" hint={denied ? <Link href={`/agents/${agent.id}/activity?outcome=denied&since=24h`}>{denied >= 100 ? '100 or more' : denied} refused in the last 24 hours</Link> : undefined}
      actions={<ButtonLink size="small" href={`/agents/${agent.id}/activity`}>All activity</ButtonLink>}>
      {error ? <ErrorNotice error={error} title="Its activity could not be loaded" /> : !data ? <Skeleton /> : data.length === 0
        ? <p className="muted">Nothing yet. What it does will be listed here.</p>
        : (
          <ul className="latest">
            {entriesOf(data).slice(0, 7).map(({ key, record, outcome }) => (
              <li key={key}>
                <span className="latest-what"><span>{actionWords(record.actionType)}</span>{namedTarget(record) && <span className="muted small truncate">{namedTarget(record)}</span>}</span>
                {outcome !== 'success' && <OutcomeBadge outcome={outcome} />}
                <span className="muted small"><Time at={record.createdAt} /></span>
              </li>
            ))}
          </ul>
        )}
    </Card>
  );
}
