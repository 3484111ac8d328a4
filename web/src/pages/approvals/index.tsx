import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import type { components } from '../../api/schema';
import { Page } from '../../app/page';
import { roleReaches } from '../../api/types';
import { useSession } from '../../app/guards';
import { Button, EmptyState, ErrorNotice, IconApproval, Skeleton, Time, toast } from '../../ui';

type Approval = components['schemas']['Approval'];

const KEY = ['approvals', 'pending'];

/** Requests that wait for a person; each is shown as the agent made it, as plain text. */
export default function Approvals() {
  const { data, error, refetch } = useQuery({
    queryKey: KEY,
    queryFn: () => ok(api.GET('/api/approvals', { params: { query: { state: 'pending', limit: 50 } } })),
    refetchInterval: 15_000,
  });
  return (
    <Page title="Approvals" lead="Requests that wait for your yes. Each goes out once, exactly as it stands here.">
      {error && <ErrorNotice error={error} title="The requests could not be loaded" retry={() => void refetch()} />}
      {!data && !error && <Skeleton label="Loading requests" />}
      {data?.items.length === 0 && <EmptyState icon={<IconApproval />} title="Nothing waits for you">Choose “A person approves each time” in an agent’s permissions, and its requests appear here.</EmptyState>}
      {data && data.items.length > 0 && <div className="stack">{data.items.map((one) => <Waiting key={one.id} approval={one} />)}</div>}
    </Page>
  );
}

function Waiting({ approval: listed }: { approval: Approval }) {
  const { user } = useSession();
  const queries = useQueryClient();
  const path = { id: listed.agentId, approval: listed.id };
  // A list leaves large requests out.
  const whole = useQuery({
    queryKey: ['approvals', listed.id],
    queryFn: async () => (await ok(api.GET('/api/agents/{id}/approvals/{approval}', { params: { path } }))).approval,
    enabled: listed.request === null,
  });
  const approval = whole.data ?? listed;
  const decide = useMutation({
    mutationFn: (yes: boolean) => yes
      ? ok(api.POST('/api/agents/{id}/approvals/{approval}/grant', { params: { path }, body: {} }))
      : ok(api.POST('/api/agents/{id}/approvals/{approval}/deny', { params: { path }, body: {} })),
    onSuccess: (_, yes) => toast.good(yes ? 'Allowed. It goes out once.' : 'Refused. Nothing is sent.'),
    onSettled: () => queries.invalidateQueries({ queryKey: ['approvals'] }),
  });
  const name = `${approval.agentName}: ${approval.scope}`;
  return (
    <section className="card" aria-label={name}>
      <div className="card-body stack">
        <h2>{name}</h2>
        <p className="muted wrap-anywhere">{approval.target}. Asked <Time at={approval.createdAt} />, ends <Time at={approval.expiresAt} />.</p>
        {approval.request ? <Shown request={approval.request} /> : whole.error ? <ErrorNotice error={whole.error} title="The request could not be loaded" retry={() => void whole.refetch()} /> : <Skeleton label="Loading the request" />}
        {roleReaches(user.role, 'member') && approval.request && (
          <div className="row">
            <Button variant="primary" busy={decide.isPending && decide.variables} onClick={() => decide.mutate(true)}>Allow this once</Button>
            <Button busy={decide.isPending && !decide.variables} onClick={() => decide.mutate(false)}>Refuse</Button>
          </div>
        )}
      </div>
    </section>
  );
}

function Shown({ request: { request, message, warnings } }: { request: NonNullable<Approval['request']> }) {
  return (
    <>
      {warnings.map((one) => <p key={one} className="small"><strong>Look closely:</strong> {one}</p>)}
      {message && (
        <dl className="stack-1">
          <dt className="muted small">To</dt>
          <dd className="wrap-anywhere">{message.recipients.map((one) => `${one.role}: ${one.address}`).join(', ') || 'nobody named'}</dd>
          {message.subject && <><dt className="muted small">Subject</dt><dd className="wrap-anywhere">{message.subject}</dd></>}
          {message.text && <><dt className="muted small">Text</dt><dd><pre tabIndex={0} aria-label="Text of the message">{message.text}</pre></dd></>}
          {message.attachments.length > 0 && <><dt className="muted small">Attachments</dt><dd className="wrap-anywhere">{message.attachments.map((one) => `${one.name} (${one.type}, ${one.bytes} bytes)`).join(', ')}</dd></>}
        </dl>
      )}
      <details open={!message}>
        <summary>The whole request</summary>
        <pre tabIndex={0} aria-label="The whole request">{[`${request.method} ${request.url}`, ...request.headers.map((pair) => pair.join(': ')), '', request.body.content].join('\n')}</pre>
      </details>
    </>
  );
}
