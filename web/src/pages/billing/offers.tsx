import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { raw } from '../../api/client';
import type { Billing, Checkout, PlanOffer } from '../../api/contract';
import { Problem } from '../../api/problem';
import { roleReaches } from '../../api/types';
import { useSession } from '../../app/guards';
import { limitName, limitValue } from '../../app/limit_words';
import { safeUrl } from '../../app/safe_url';
import { Badge, Button, ConfirmDialog, ErrorNotice, Notice, Skeleton } from '../../ui';
import { usd } from '../../ui/format';
import { plansQuery } from './queries';

/** $29 rather than $29.00. */
const price = (plan: PlanOffer) => usd(plan.monthlyUsd).replace(/\.00$/, '');

/** The plans to choose from, where the server tells them. */
export function Offers({ billing }: { billing: Billing }) {
  const { user } = useSession();
  const { data: plans, error, refetch } = useQuery(plansQuery);
  const [chosen, setChosen] = useState<PlanOffer | null>(null);
  if (plans === null || plans?.length === 0) return null;
  const may = roleReaches(user.role, 'admin');
  return (
    <section className="stack" aria-label="Plans">
      <div><h2>Plans</h2><p className="muted small">Prices without tax.</p></div>
      {error && <ErrorNotice error={error} title="The plans could not be loaded" retry={() => void refetch()} />}
      {!plans && !error && <Skeleton label="Loading plans" />}
      <div className="offers">
        {plans?.map((plan) => <Offer key={plan.name} plan={plan} current={plan.name === billing.plan} onChoose={may ? () => setChosen(plan) : undefined} />)}
      </div>
      {!may && plans && <p className="muted small">Only owners and admins change the plan.</p>}
      {chosen && <CheckoutDialog billing={billing} plan={chosen} onClose={() => setChosen(null)} />}
    </section>
  );
}

function Offer({ plan, current, onChoose }: { plan: PlanOffer; current: boolean; onChoose?: () => void }) {
  return (
    <article className="offer" data-current={current || undefined} aria-label={plan.title}>
      <div className="row-between"><h3>{plan.title}</h3>{current ? <Badge tone="accent">your plan</Badge> : plan.recommended && <Badge>recommended</Badge>}</div>
      <div className="offer-price num">{price(plan)} <span>a month</span></div>
      <p className="muted small">{plan.summary}</p>
      <dl className="offer-limits">
        {Object.entries(plan.limits).map(([key, value]) => <div key={key}><dt>{limitName(key)}</dt><dd className="num">{limitValue(key, value)}</dd></div>)}
      </dl>
      {onChoose && !current && <Button variant={plan.recommended ? 'primary' : 'secondary'} wide aria-label={`Choose ${plan.title}`} onClick={onChoose}>Choose</Button>}
    </article>
  );
}

/** Limits of a plan that are below what is used now. */
const exceeded = (billing: Billing, plan: PlanOffer) => Object.entries(plan.limits).filter(([key, limit]) => {
  const used = (billing.usage as Record<string, unknown>)[key];
  return limit !== null && typeof used === 'number' && used > limit;
});

function CheckoutDialog({ billing, plan, onClose }: { billing: Billing; plan: PlanOffer; onClose: () => void }) {
  const over = exceeded(billing, plan);
  return (
    <ConfirmDialog open onClose={onClose} title={`Change to ${plan.title}?`} action="Go to payment" onConfirm={async () => {
      const url = safeUrl((await raw<Checkout>('POST', '/api/billing/checkout', { plan: plan.name })).url);
      if (!url) throw new Problem(0, { code: 'bad_url', detail: 'The server named a payment page that is not safe to open. Nothing was changed.' });
      window.location.assign(url);
    }}>
      <p>{price(plan)} a month, without tax. You see the exact sum on the payment page; nothing changes before you confirm it there.</p>
      {over.map(([key, limit]) => (
        <Notice key={key} tone="warn" title={`${limitName(key)}: you use ${limitValue(key, (billing.usage as Record<string, unknown>)[key] as number)}`}>
          {plan.title} has {limitValue(key, limit)}. What is above it may stop.
        </Notice>
      ))}
    </ConfirmDialog>
  );
}
