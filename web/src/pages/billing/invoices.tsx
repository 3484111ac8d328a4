import type { Invoice } from '../../api/contract';
import { asProblem } from '../../api/problem';
import { Paged, usePages } from '../../app/paged';
import { safeUrl } from '../../app/safe_url';
import { Badge, Card, IconDownload, Table } from '../../ui';
import { usd } from '../../ui/format';

const TONE: Record<string, 'good' | 'warn' | 'bad'> = { paid: 'good', open: 'warn', uncollectible: 'bad' };

export function Invoices({ hasPortal }: { hasPortal: boolean }) {
  const pages = usePages<Invoice>(['billing', 'invoices'], '/api/billing/invoices');
  if (asProblem(pages.error).status === 404) return hasPortal ? <Card title="Invoices"><p className="muted">Your invoices are where your cards and addresses are.</p></Card> : null;
  return (
    <section className="stack" aria-label="Invoices">
      <h2>Invoices</h2>
      <Paged pages={pages} what="invoices" empty={<Card><p className="muted">There is no invoice yet. The first one comes with your first payment.</p></Card>}>
        {(rows) => (
          <Table caption="Invoices" cards rows={rows} rowKey={(row) => row.id} columns={[
            { id: 'number', title: 'Number', line: true, cell: (row) => <strong className="wrap-anywhere">{row.number}</strong> },
            { id: 'date', title: 'Date', cell: (row) => <span className="num">{row.createdAt.slice(0, 10)}</span> },
            { id: 'status', title: 'Status', cell: (row) => <Badge tone={TONE[row.status]}>{row.status}</Badge> },
            { id: 'amount', title: 'Amount', align: 'right', cell: (row) => <span className="num">{usd(row.amountUsd)}</span> },
            { id: 'open', title: <span className="sr-only">Open</span>, tight: true, cell: (row) => {
              const url = safeUrl(row.url);
              return url && <a className="button button-small" href={url} target="_blank" rel="noopener noreferrer" aria-label={`Open invoice ${row.number}`}><IconDownload size={14} />Open</a>;
            } },
          ]} />
        )}
      </Paged>
    </section>
  );
}
