import './agents.css';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { agentsQuery } from '../../api/queries';
import { roleReaches } from '../../api/types';
import { Page } from '../../app/page';
import { useSession } from '../../app/guards';
import { useLiveState, useTopic } from '../../live/live';
import { ButtonLink, EmptyState, ErrorNotice, IconAgent, IconPlus, Skeleton } from '../../ui';
import { List } from './list';
import { rowsOf } from './rows';

// Events tell of every change but measurements, which are taken every 15 s.
const MEASURED_MS = 15_000;
const POLLED_MS = 5_000;

export default function Agents() {
  const { user } = useSession();
  useTopic('agents');
  const live = useLiveState() === 'live';
  const { data: agents, error, refetch } = useQuery({ ...agentsQuery, refetchInterval: live ? MEASURED_MS : POLLED_MS });
  const rows = useMemo(() => rowsOf(agents ?? []), [agents]);
  const may = roleReaches(user.role, 'member');
  const deploy = may && <ButtonLink href="/agents/new" variant="primary"><IconPlus />Deploy an agent</ButtonLink>;

  if (!agents) {
    return (
      <Page title="Agents" actions={deploy}>
        {error ? <ErrorNotice error={error} title="The agents could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading agents" />}
      </Page>
    );
  }
  if (agents.length === 0) {
    return (
      <Page title="Agents">
        <EmptyState icon={<IconAgent size={20} />} title="Deploy your first agent"
          actions={may ? deploy : undefined}>
          {may
            ? 'It gets a box of its own: it reaches only what you allow, never sees your keys, and everything it does is in the audit log. It takes about a minute.'
            : 'There is no agent yet. Ask a member of your team to deploy one.'}
        </EmptyState>
      </Page>
    );
  }
  const running = rows.filter((row) => row.agent.status === 'running').length;
  const broken = rows.filter((row) => row.state.tone === 'bad').length;
  return (
    <Page title="Agents" actions={deploy} lead={`${running} of ${agents.length} running${broken > 0 ? `, ${broken} with an error` : ''}`}>
      {error && <ErrorNotice error={error} title="Not up to date: the server does not answer" retry={() => void refetch()} />}
      <List rows={rows} may={may} />
    </Page>
  );
}
