import './billing.css';
import { useQuery } from '@tanstack/react-query';
import type { Billing as BillingData } from '../../api/contract';
import { limitName, limitValue } from '../../app/limit_words';
import { Page } from '../../app/page';
import { safeUrl } from '../../app/safe_url';
import { useParameters } from '../../app/use_parameters';
import { Button, Card, ErrorNotice, IconExternal, Meter, Notice, Pair, Pairs, Skeleton, Status, Time, type Tone } from '../../ui';
import { Invoices } from './invoices';
import { Offers } from './offers';
import { billingQuery, plansQuery } from './queries';

const STATUS: Record<string, { tone: Tone; word: string }> = {
  active: { tone: 'good', word: 'Active' }, trialing: { tone: 'good', word: 'Trial' }, past_due: { tone: 'bad', word: 'Payment failed' },
  unpaid: { tone: 'bad', word: 'Unpaid' }, incomplete: { tone: 'warn', word: 'Payment not finished' }, canceled: { tone: 'idle', word: 'Cancelled' }, paused: { tone: 'warn', word: 'Paused' },
};
const USAGE = ['agents', 'spendUsd', 'tokensIn', 'tokensOut'] as const;
const day = (at: string) => new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' });

export default function Billing() {
  const { data: billing, error, refetch } = useQuery(billingQuery);
  return (
    <Page title="Billing" lead="Your plan, how much of it you use, and your invoices.">
      <Returned />
      {error && <ErrorNotice error={error} title={billing ? 'Not up to date: the server does not answer' : 'Billing could not be loaded'} retry={() => void refetch()} />}
      {!billing && !error && <Skeleton label="Loading billing" />}
      {billing && (
        <>
          {['past_due', 'unpaid'].includes(billing.status) && (
            <Notice tone="bad" title="The last payment failed" action={<Portal billing={billing} label="Update the card" />}>Your agents stop when it is not paid in time. Nothing is deleted.</Notice>
          )}
          <div className="billing-top">
            <Plan billing={billing} />
            <Usage billing={billing} />
          </div>
          <Offers billing={billing} />
          <Invoices hasPortal={safeUrl(billing.portalUrl) !== null} />
        </>
      )}
    </Page>
  );
}

/** Where the payment page sent the person back to. */
function Returned() {
  const [search, put] = useParameters();
  const from = search.get('checkout');
  if (from !== 'success' && from !== 'cancelled') return null;
  const action = <Button size="small" variant="ghost" onClick={() => put({ checkout: undefined })}>Dismiss</Button>;
  return from === 'success'
    ? <Notice tone="good" title="Thank you" action={action}>The new plan shows here as soon as the payment is confirmed, mostly within a minute.</Notice>
    : <Notice title="Nothing was changed" action={action}>You left the payment page before it was done.</Notice>;
}

function Portal({ billing, label }: { billing: BillingData; label: string }) {
  const url = safeUrl(billing.portalUrl);
  return url && <a className="button" href={url} target="_blank" rel="noopener noreferrer">{label}<IconExternal size={14} /></a>;
}

function Plan({ billing }: { billing: BillingData }) {
  const { data: plans } = useQuery(plansQuery);
  const known = STATUS[billing.status];
  const others = Object.entries(billing.limits).filter(([key]) => !USAGE.some((one) => one === key));
  return (
    <Card title="Plan" actions={<Portal billing={billing} label="Cards and addresses" />}>
      <div className="stack">
        <div className="row-between">
          <span className="billing-plan">{plans?.find((plan) => plan.name === billing.plan)?.title ?? billing.plan}</span>
          <Status tone={known?.tone ?? 'idle'}>{known?.word ?? billing.status}</Status>
        </div>
        {others.length > 0 && <Pairs>{others.map(([key, value]) => <Pair key={key} name={limitName(key)}><span className="num">{limitValue(key, value)}</span></Pair>)}</Pairs>}
      </div>
    </Card>
  );
}

function Usage({ billing: { usage, limits } }: { billing: BillingData }) {
  return (
    <Card title="Usage" hint={<>{day(usage.periodStart)} to {day(usage.periodEnd)}, starts again <Time at={usage.periodEnd} /></>}>
      <div className="stack">
        {USAGE.map((key) => {
          const limit = limits[key] ?? null;
          const used = limitValue(key, usage[key]);
          return <Meter key={key} name={limitName(key)} used={usage[key]} limit={limit} text={limit === null ? used : `${used} of ${limitValue(key, limit)}`} />;
        })}
      </div>
    </Card>
  );
}
