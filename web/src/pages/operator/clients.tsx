import { Link } from 'wouter';
import type { AdminClient } from '../../api/contract';
import { EmptyState, IconTeam, Table, Time } from '../../ui';
import { count, usd } from '../../ui/format';
import { OperatorList } from './list';
import { clientHref, ClientStatus } from './words';

const STATUS = { name: 'status', label: 'Status', choices: [{ value: '', word: 'All' }, { value: 'active', word: 'Active' }, { value: 'suspended', word: 'Suspended' }] };

export default function Clients() {
  return (
    <OperatorList<AdminClient> what="clients" path="clients" placeholder="Search by name, e-mail or id" filter={STATUS}
      empty={<EmptyState icon={<IconTeam size={20} />} title="No clients yet">Whoever registers is listed here.</EmptyState>}>
      {(rows) => (
        <Table caption="Clients" cards rows={rows} rowKey={(row) => row.id} columns={[
          { id: 'name', title: 'Name', line: true, cell: (row) => <Link href={clientHref(row.id)} className="wrap-anywhere"><strong>{row.name}</strong></Link> },
          { id: 'status', title: 'Status', cell: (row) => <><ClientStatus status={row.status} />{row.suspendedReason && <div className="operator-sub">{row.suspendedReason}</div>}</> },
          { id: 'plan', title: 'Plan', cell: (row) => <span className="wrap-anywhere operator-plan">{row.plan}</span> },
          { id: 'agents', title: 'Agents', align: 'right', cell: (row) => count(row.agents) },
          { id: 'members', title: 'Members', align: 'right', cell: (row) => count(row.members) },
          { id: 'spend', title: 'Spend today', align: 'right', cell: (row) => usd(row.spendTodayUsd) },
          { id: 'since', title: 'Since', cell: (row) => <Time at={row.createdAt} /> },
        ]} />
      )}
    </OperatorList>
  );
}
