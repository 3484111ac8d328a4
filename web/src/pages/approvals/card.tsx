import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { api, ok } from '../../api/client';
import { roleReaches } from '../../api/types';
import { useSession } from '../../app/guards';
import { scopeTitle } from '../../app/permission_words';
import { Badge, Button, ErrorNotice, IconCheck, IconCross, Skeleton, Time, toast } from '../../ui';
import { Outcome } from './outcome';
import { approvalQuery, type Approval } from './queries';
import { Request } from './request';

/** One request that waits, or waited while the page was open. `listed`: the server still lists it as waiting. */
export function Card({ approval: known, listed }: { approval: Approval; listed: boolean }) {
  const { user } = useSession();
  const whole = useQuery({ ...approvalQuery(known.agentId, known.id), enabled: known.request === null || !listed });
  const found = whole.data ?? known;
  // The list is the younger one for as long as it has it.
  const approval: Approval = listed ? { ...known, request: known.request ?? found.request } : found;
  const waits = approval.state === 'pending';
  return (
    <section className="card approval" aria-label={`${approval.agentName}: ${scopeTitle(approval.scope)}`}>
      <div className="card-head">
        <div className="grow">
          <h2 className="row-wrap"><Link href={`/agents/${approval.agentId}`} className="wrap-anywhere">{approval.agentName}</Link><Badge tone="accent">{scopeTitle(approval.scope)}</Badge></h2>
          <p className="wrap-anywhere">{approval.target}</p>
        </div>
        <p className="approval-times">Asked <Time at={approval.createdAt} />{waits && <>, ends <Time at={approval.expiresAt} /></>}</p>
      </div>
      <div className="card-body">
        {approval.request ? <Request approval={approval} request={approval.request} />
          : whole.error ? <ErrorNotice error={whole.error} title="The request could not be loaded" retry={() => void whole.refetch()} />
            : whole.data ? <p className="muted">It was large, and is not kept in full after the decision.</p>
              : <Skeleton label="Loading the request" />}
      </div>
      {approval.request && whole.error && !listed && <div className="card-foot"><ErrorNotice error={whole.error} title="What became of it could not be loaded" retry={() => void whole.refetch()} /></div>}
      <Decision approval={approval} may={roleReaches(user.role, 'member')} />
    </section>
  );
}

function Decision({ approval, may }: { approval: Approval; may: boolean }) {
  const queries = useQueryClient();
  const outcome = useRef<HTMLDivElement>(null);
  const path = { id: approval.agentId, approval: approval.id };
  const decide = useMutation({
    mutationFn: async (yes: boolean) => (yes
      ? ok(api.POST('/api/agents/{id}/approvals/{approval}/grant', { params: { path }, body: {} }))
      : ok(api.POST('/api/agents/{id}/approvals/{approval}/deny', { params: { path }, body: {} }))),
    onSuccess: (answer, yes) => {
      queries.setQueryData(approvalQuery(approval.agentId, approval.id).queryKey, (before) => ({ ...answer.approval, request: answer.approval.request ?? before?.request ?? null }));
      toast.good(yes ? `Allowed once: ${approval.agentName} may send exactly this.` : 'Refused. Nothing is sent.');
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['approvals'] }),
  });
  const waits = approval.state === 'pending' && !decide.isSuccess;
  // The buttons are gone with the focus on them: what became of the request takes it.
  useEffect(() => {
    if (decide.isSuccess && document.activeElement === document.body) outcome.current?.focus({ preventScroll: true });
  }, [decide.isSuccess]);

  if (!waits) {
    return <div className="card-foot approval-foot" ref={outcome} tabIndex={-1}><Outcome approval={decide.data?.approval && approval.state === 'pending' ? decide.data.approval : approval} /></div>;
  }
  if (!may) return <div className="card-foot approval-foot"><p className="muted small">A member of your team decides on this; your role may only look.</p></div>;
  return (
    <div className="card-foot approval-foot">
      <p className="muted small grow">A yes lets exactly this request out, once.</p>
      <Button busy={decide.isPending && !decide.variables} disabled={decide.isPending && decide.variables} onClick={() => decide.mutate(false)}><IconCross size={14} />Refuse</Button>
      <Button variant="primary" busy={decide.isPending && decide.variables} disabled={!approval.request || (decide.isPending && !decide.variables)} onClick={() => decide.mutate(true)}><IconCheck size={14} />Allow once</Button>
    </div>
  );
}
