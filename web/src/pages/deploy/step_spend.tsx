import { Field } from '../../ui';
import { usd } from '../../ui/format';
import type { StepProps } from './index';

const QUICK = ['0', '1', '5', '25', '100'];

export function SpendStep({ draft, set, wrong }: StepProps) {
  const amount = Number(draft.spend);
  const error = wrong('/permissions/maxDailyTokenSpend');
  const meaning = !Number.isFinite(amount) || draft.spend.trim() === '' ? null
    : amount === 0 ? 'No model can be called at all.'
      : `At most ${usd(amount * 31)} in a month of 31 days. A call that could go over the limit is not made.`;
  return (
    <>
      <Field label="Dollars a day" error={error} hint={meaning}>
        {(wiring) => (
          <div className="input-group spend-input">
            <span className="input-prefix" aria-hidden="true">$</span>
            <input className="input input-with-prefix num" inputMode="decimal" autoFocus autoComplete="off" value={draft.spend} {...wiring}
              onChange={(event) => set({ spend: event.target.value.replace(',', '.') })} />
          </div>
        )}
      </Field>
      <div className="segments" role="group" aria-label="Usual amounts">
        {QUICK.map((one) => (
          <button key={one} type="button" aria-pressed={draft.spend === one} onClick={() => set({ spend: one })}>{one === '0' ? 'None' : `$${one}`}</button>
        ))}
      </div>
      <p className="muted small">The day begins at midnight UTC. The provider bills you; this limit is ours and holds even when the agent is misled.</p>
    </>
  );
}
