import { Link } from 'wouter';
import type { AdminAgent } from '../../api/contract';
import type { AgentStatus } from '../../api/types';
import { EmptyState, IconAgent, Status, Table, Time, type Tone } from '../../ui';
import { usd } from '../../ui/format';
import { OperatorList } from './list';
import { clientHref } from './words';

const STATES: Record<AgentStatus, { tone: Tone; word: string }> = {
  running: { tone: 'good', word: 'Running' }, provisioning: { tone: 'busy', word: 'Provisioning' }, stopped: { tone: 'idle', word: 'Stopped' }, error: { tone: 'bad', word: 'Error' },
};
const STATUS = { name: 'status', label: 'Status', choices: [{ value: '', word: 'All' }, ...Object.entries(STATES).map(([value, { word }]) => ({ value, word }))] };

export default function Agents() {
  return (
    <OperatorList<AdminAgent> what="agents" path="agents" placeholder="Search by agent, client or id" filter={STATUS}
      empty={<EmptyState icon={<IconAgent size={20} />} title="No agents yet">Agents of all clients are listed here.</EmptyState>}>
      {(rows) => (
        <Table caption="Agents of all clients" cards rows={rows} rowKey={(row) => row.id} columns={[
          { id: 'name', title: 'Agent', line: true, cell: (row) => <><strong className="wrap-anywhere">{row.name}</strong><div className="operator-sub">{row.runtime} {row.runtimeVersion}</div></> },
          { id: 'status', title: 'Status', line: true, cell: (row) => <><Status tone={STATES[row.status]?.tone ?? 'idle'}>{STATES[row.status]?.word ?? row.status}</Status>{row.statusReason && <div className="operator-sub">{row.statusReason}</div>}</> },
          { id: 'client', title: 'Client', cell: (row) => <Link href={clientHref(row.clientId)} className="wrap-anywhere">{row.clientName}</Link> },
          { id: 'host', title: 'Host', cell: (row) => <span className="wrap-anywhere">{row.host ?? '–'}</span> },
          { id: 'spend', title: 'Spend today', align: 'right', cell: (row) => usd(row.spendTodayUsd) },
          { id: 'changed', title: 'Changed', cell: (row) => <Time at={row.updatedAt} /> },
        ]} />
      )}
    </OperatorList>
  );
}
