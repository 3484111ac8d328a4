import './approvals.css';
import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { agentsQuery } from '../../api/queries';
import type { Agent } from '../../api/types';
import { Page } from '../../app/page';
import { usePendingApprovals } from '../../app/pending_approvals';
import { useTopic } from '../../live/live';
import { IconChevronDown, LinkTabs } from '../../ui';
import { ENDS, History } from './history';
import { Waiting } from './waiting';

/** Requests that a person decides on, and those that were decided. The URL says which, and of which agent. */
export default function Approvals() {
  useTopic('approvals');
  const [search, setSearch] = useSearchParams();
  const { data: agents } = useQuery(agentsQuery);
  const agent = search.get('agent');
  const tab = search.get('tab') === 'history' ? 'history' : 'waiting';
  const state = ENDS.find((one) => one.state === search.get('state'))?.state;
  const { pending } = usePendingApprovals();

  const put = (name: string, value: string | null | undefined) => setSearch((before) => {
    const next = new URLSearchParams(before);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  });
  const ofAgent = agent ? `agent=${encodeURIComponent(agent)}` : '';
  return (
    <Page title="Approvals" lead="Requests that wait for a person’s yes. Each goes out once, exactly as it stands here.">
      <div className="approval-head">
        <LinkTabs label="Parts of the inbox" current={tab} tabs={[
          { id: 'waiting', title: pending > 0 && !agent ? `Waiting ${pending}` : 'Waiting', href: `/approvals${ofAgent && `?${ofAgent}`}` },
          { id: 'history', title: 'History', href: `/approvals?tab=history${ofAgent && `&${ofAgent}`}` },
        ]} />
        {agents && agents.length > 0 && <AgentChoice agents={agents} agent={agent} onChange={(id) => put('agent', id)} />}
      </div>
      {tab === 'waiting'
        ? <Waiting key={agent} agent={agent} />
        : <History key={`${agent} ${state}`} agent={agent} state={state} onState={(next) => put('state', next)} />}
    </Page>
  );
}

function AgentChoice({ agents, agent, onChange }: { agents: Agent[]; agent: string | null; onChange: (id: string) => void }) {
  const known = agent === null || agents.some((one) => one.id === agent);
  return (
    <label className="row approval-agent small">
      <span className="muted">Of</span>
      <span className="select-wrap"><select className="input" aria-label="Of which agent" value={agent ?? ''} onChange={(event) => onChange(event.target.value)}>
        <option value="">all agents</option>
        {agents.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
        {!known && agent && <option value={agent}>an agent that is not there</option>}
      </select><IconChevronDown /></span>
    </label>
  );
}
