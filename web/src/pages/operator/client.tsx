import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { raw } from '../../api/client';
import type { AdminClientDetail, Member } from '../../api/contract';
import { asProblem } from '../../api/problem';
import { NotFound } from '../../app/not_found';
import { Page } from '../../app/page';
import { roleTitle } from '../../app/role_words';
import { Button, ButtonLink, Card, ConfirmDialog, ErrorNotice, Notice, Pair, Pairs, Skeleton, Time, toast } from '../../ui';
import { count, usd } from '../../ui/format';
import { PlanForm } from './plan_form';
import { clientPath, clientQuery } from './queries';
import { SuspendDialog } from './suspend_dialog';
import { ClientStatus } from './words';

/** One client, as the operator sees it. */
export function Client({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(clientQuery(id));
  if (!data) {
    if (asProblem(error).status === 404) return <NotFound />;
    return <Page title="Client">{error ? <ErrorNotice error={error} title="The client could not be loaded" retry={() => void refetch()} /> : <Skeleton label="Loading the client" />}</Page>;
  }
  const { client } = data.data;
  return (
    <Page title={client.name} actions={<Standing key={client.id} client={client} />} lead={<span className="row-wrap"><Link href="/operator">All clients</Link><ClientStatus status={client.status} /></span>}>
      {error && <ErrorNotice error={error} title="Not up to date: the server does not answer" retry={() => void refetch()} />}
      {client.status === 'suspended' && <Notice tone="bad" title="Suspended">{client.suspendedReason ?? 'No reason was given.'}</Notice>}
      <div className="operator-two">
        <Card title="Now" actions={<ButtonLink href={`/operator/agents?q=${encodeURIComponent(client.id)}`} size="small">Its agents</ButtonLink>}>
          <Pairs>
            <Pair name="Agents"><span className="num">{count(client.agents)}</span></Pair>
            <Pair name="Model spend today"><span className="num">{usd(client.spendTodayUsd)}</span></Pair>
            <Pair name="Since"><Time at={client.createdAt} /></Pair>
            <Pair name="Id"><span className="mono small">{client.id}</span></Pair>
          </Pairs>
        </Card>
        <Members key={client.id} users={client.users} />
      </div>
      <PlanForm client={client} etag={data.etag} />
    </Page>
  );
}

/** Suspends, or lets it run again. What was asked stays asked when the client's standing changes meanwhile. */
function Standing({ client }: { client: AdminClientDetail }) {
  const queries = useQueryClient();
  const [suspending, setSuspending] = useState(false);
  const [restoring, setRestoring] = useState(false);
  const done = async (text: string) => {
    toast.good(text);
    await queries.invalidateQueries({ queryKey: ['admin'] });
  };
  return (
    <>
      {client.status === 'active'
        ? <Button onClick={() => setSuspending(true)}>Suspend…</Button>
        : <Button variant="primary" onClick={() => setRestoring(true)}>Restore…</Button>}
      {suspending && <SuspendDialog client={client} onClose={() => setSuspending(false)} onDone={() => done(`${client.name} is suspended.`)} />}
      <ConfirmDialog open={restoring} onClose={() => setRestoring(false)} title={`Restore ${client.name}?`} action="Restore" onConfirm={async () => {
        await raw('POST', `${clientPath(client.id)}/restore`, {});
        await done(`${client.name} is restored.`);
      }}>
        <p>Its agents start again as they were asked to, and its members can change things again.</p>
      </ConfirmDialog>
    </>
  );
}

function Members({ users }: { users: Member[] }) {
  const queries = useQueryClient();
  const [reset, setReset] = useState<Member | null>(null);
  return (
    <Card title="Members">
      {users.length === 0 ? <p className="muted">Nobody.</p> : (
        <ul className="people">
          {users.map((user) => (
            <li key={user.id} className="row-between row-wrap">
              <div className="grow"><div className="wrap-anywhere">{user.email}</div><div className="muted small">{roleTitle(user.role)}, two-factor {user.twoFactorEnabled ? 'on' : 'not set up'}</div></div>
              {user.twoFactorEnabled && <Button size="small" aria-label={`Reset two-factor of ${user.email}`} onClick={() => setReset(user)}>Reset two-factor</Button>}
            </li>
          ))}
        </ul>
      )}
      {reset && (
        <ConfirmDialog open onClose={() => setReset(null)} title="Reset two-factor?" action="Reset" danger typeToConfirm={reset.email} onConfirm={async () => {
          await raw('POST', `/api/admin/users/${encodeURIComponent(reset.id)}/two-factor-reset`, {});
          toast.good(`The two-factor of ${reset.email} is reset.`);
          await queries.invalidateQueries({ queryKey: ['admin', 'client'] });
        }}>
          <p>Only when you are sure who asks: with the password alone they set up a new app at the next sign-in. All their sessions end.</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}
