import { Status, Time, type Tone } from '../../ui';
import type { Approval } from './queries';

/** How a request ended, in a word. */
function wordOf({ state, decidedAt }: Approval): { tone: Tone; word: string } {
  switch (state) {
    case 'pending': return { tone: 'busy', word: 'Waits' };
    case 'used': return { tone: 'good', word: 'Allowed and sent' };
    case 'granted': return { tone: 'warn', word: 'Allowed, not sent yet' };
    case 'denied': return { tone: 'bad', word: 'Refused' };
    case 'expired': return { tone: 'idle', word: decidedAt ? 'Allowed, but the agent did not ask again in time' : 'Expired, nobody decided' };
  }
}

/** How it ended, by whom and when. */
export function Outcome({ approval }: { approval: Approval }) {
  const { tone, word } = wordOf(approval);
  const { decidedBy, decidedAt, usedAt, state, expiresAt } = approval;
  return (
    <span className="row-wrap approval-outcome">
      <Status tone={tone}>{word}</Status>
      <span className="muted small wrap-anywhere">
        {decidedAt && <>{state === 'denied' ? 'refused' : 'allowed'} by {decidedBy?.email ?? 'somebody who has left'} <Time at={decidedAt} /></>}
        {usedAt && <>, sent <Time at={usedAt} /></>}
        {state === 'granted' && <>, good until <Time at={expiresAt} /></>}
        {state === 'expired' && <>{decidedAt ? ', ended ' : 'ended '}<Time at={expiresAt} /></>}
      </span>
    </span>
  );
}
