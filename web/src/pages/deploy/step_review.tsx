import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { runtimesQuery } from '../../api/queries';
import { Button } from '../../ui';
import { usd } from '../../ui/format';
import { channelOf, permissionsOf, PRESETS, providerOf, type Step } from './draft';
import type { StepProps } from './index';
import { PermissionSentences } from './step_permissions';
import { idsOf } from './channels';

function Line({ name, step, goTo, children }: { name: string; step: Step; goTo: (step: Step) => void; children: ReactNode }) {
  return (
    <div className="review-line">
      <dt>{name}</dt>
      <dd className="wrap-anywhere">{children}</dd>
      <dd className="review-edit"><Button variant="link" onClick={() => goTo(step)} aria-label={`Change: ${name}`}>Change</Button></dd>
    </div>
  );
}

export function ReviewStep({ draft, goTo }: StepProps) {
  const { data: runtimes = [] } = useQuery(runtimesQuery);
  const runtime = runtimes.find((one) => one.name === draft.runtime);
  const provider = providerOf(draft);
  const channel = channelOf(draft);
  const permissions = permissionsOf(draft);
  const people = idsOf(draft.people);
  return (
    <>
      <dl className="review">
        <Line name="Name" step="runtime" goTo={goTo}>{draft.name}</Line>
        <Line name="Kind" step="runtime" goTo={goTo}>{runtime ? `${runtime.title} ${runtime.version}` : draft.runtime}</Line>
        <Line name="Model" step="model" goTo={goTo}>{provider ? <>{provider.title}, {draft.model}<div className="muted small">Key ending in {draft.modelKey.slice(-4)}</div></> : 'Decided later'}</Line>
        <Line name="Channel" step="channel" goTo={goTo}>
          {channel ? <>{channel.title}<div className="muted small">{people.length > 0 ? `Only ${people.join(', ')}` : 'New people get a pairing code'}</div></> : 'None yet'}
        </Line>
        <Line name="Spend" step="spend" goTo={goTo}>{Number(draft.spend) === 0 ? 'No model calls' : `${usd(Number(draft.spend))} a day at most`}</Line>
        <Line name="Permissions" step="permissions" goTo={goTo}>
          <div className="stack-2">{PRESETS.find((one) => one.id === draft.preset)?.title}<PermissionSentences permissions={{ ...permissions, maxDailyTokenSpend: undefined }} /></div>
        </Line>
      </dl>
    </>
  );
}
