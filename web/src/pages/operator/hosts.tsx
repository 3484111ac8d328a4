import type { Host } from '../../api/contract';
import { EmptyState, IconOperator, Meter, Status, Table, Time, type Column, type Tone } from '../../ui';
import { bytes, count } from '../../ui/format';
import { OperatorList } from './list';

const STATUS: Record<string, { tone: Tone; word: string }> = { ready: { tone: 'good', word: 'Ready' }, draining: { tone: 'warn', word: 'Draining' }, down: { tone: 'bad', word: 'Down' } };
const mb = (amount: number) => bytes(amount * 1024 * 1024);

const PARTS = [
  { id: 'cpus', title: 'CPU', text: (amount: number) => String(Number(amount.toFixed(1))) },
  { id: 'memoryMb', title: 'Memory', text: mb },
  { id: 'diskMb', title: 'Disk', text: mb },
] as const;

export default function Hosts() {
  return (
    <OperatorList<Host> what="hosts" path="hosts" placeholder="Search by name"
      empty={<EmptyState icon={<IconOperator size={20} />} title="No hosts yet">A machine is listed here once its orchestrator has reported.</EmptyState>}>
      {(rows) => (
        <Table caption="Hosts and what agents have reserved of them" cards rows={rows} rowKey={(row) => row.id} columns={[
          { id: 'name', title: 'Host', line: true, cell: (row) => <><strong className="wrap-anywhere">{row.name}</strong><div className="operator-sub">{row.version}</div></> },
          { id: 'status', title: 'Status', cell: (row) => <Status tone={STATUS[row.status]?.tone ?? 'idle'}>{STATUS[row.status]?.word ?? row.status}</Status> },
          { id: 'agents', title: 'Agents', align: 'right', cell: (row) => count(row.agents) },
          ...PARTS.map(({ id, title, text }): Column<Host> => ({
            id, title, cell: ({ allocated, capacity }) => <Meter small used={allocated[id]} limit={capacity[id]} text={`${text(allocated[id])} of ${text(capacity[id])}`} />,
          })),
          { id: 'seen', title: 'Last report', cell: (row) => <Time at={row.lastSeenAt} /> },
        ]} />
      )}
    </OperatorList>
  );
}
