import type { Host } from '../../api/contract';
import { EmptyState, IconOperator, Meter, Status, Table, Time, type Tone } from '../../ui';
import { bytes, count } from '../../ui/format';
import { OperatorList } from './list';

const STATUS: Record<string, { tone: Tone; word: string }> = { ready: { tone: 'good', word: 'Ready' }, draining: { tone: 'warn', word: 'Draining' }, down: { tone: 'bad', word: 'Down' } };
const mb = (amount: number) => bytes(amount * 1024 * 1024);

function Room({ host: { allocated, capacity } }: { host: Host }) {
  return (
    <div className="host-meters">
      <Meter small name="CPU" used={allocated.cpus} limit={capacity.cpus} text={`${Number(allocated.cpus.toFixed(2))} of ${capacity.cpus}`} />
      <Meter small name="Memory" used={allocated.memoryMb} limit={capacity.memoryMb} text={`${mb(allocated.memoryMb)} of ${mb(capacity.memoryMb)}`} />
      <Meter small name="Disk" used={allocated.diskMb} limit={capacity.diskMb} text={`${mb(allocated.diskMb)} of ${mb(capacity.diskMb)}`} />
    </div>
  );
}

export default function Hosts() {
  return (
    <OperatorList<Host> what="hosts" path="hosts" placeholder="Search by name"
      empty={<EmptyState icon={<IconOperator size={20} />} title="No hosts yet">A machine is listed here once its orchestrator has reported.</EmptyState>}>
      {(rows) => (
        <Table caption="Hosts and what is given away of them" cards rows={rows} rowKey={(row) => row.id} columns={[
          { id: 'name', title: 'Host', card: 'head', cell: (row) => <><strong className="wrap-anywhere">{row.name}</strong><div className="operator-sub">{row.version}</div></> },
          { id: 'status', title: 'Status', cell: (row) => <Status tone={STATUS[row.status]?.tone ?? 'idle'}>{STATUS[row.status]?.word ?? row.status}</Status> },
          { id: 'agents', title: 'Agents', align: 'right', cell: (row) => count(row.agents) },
          { id: 'room', title: 'Given away', card: 'plain', cell: (row) => <Room host={row} /> },
          { id: 'seen', title: 'Last report', cell: (row) => <Time at={row.lastSeenAt} /> },
        ]} />
      )}
    </OperatorList>
  );
}
