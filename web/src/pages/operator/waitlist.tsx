import type { Waiter } from '../../api/contract';
import { EmptyState, IconClock, Table, Time } from '../../ui';
import { OperatorList } from './list';

export default function Waitlist() {
  return (
    <OperatorList<Waiter> what="people" path="waitlist" placeholder="Search by e-mail, name or company"
      empty={<EmptyState icon={<IconClock size={20} />} title="Nobody waits">Whoever leaves an address on the landing page is listed here.</EmptyState>}>
      {(rows) => (
        <Table caption="People who wait" cards rows={rows} rowKey={(row) => row.email} columns={[
          { id: 'email', title: 'E-mail', line: true, cell: (row) => <a href={`mailto:${encodeURIComponent(row.email)}`} className="wrap-anywhere">{row.email}</a> },
          { id: 'name', title: 'Name', cell: (row) => <span className="wrap-anywhere">{row.name ?? '–'}</span> },
          { id: 'company', title: 'Company', cell: (row) => <span className="wrap-anywhere">{row.company ?? '–'}</span> },
          { id: 'message', title: 'Message', line: true, cell: (row) => row.message && <p className="waiter-message">{row.message}</p> },
          { id: 'since', title: 'Waits since', cell: (row) => <Time at={row.createdAt} /> },
        ]} />
      )}
    </OperatorList>
  );
}
