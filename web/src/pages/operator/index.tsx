import './operator.css';
import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from 'react';
import { useParams } from 'wouter';
import { useFeatures, type Feature } from '../../api/queries';
import { ErrorBoundary } from '../../app/error_boundary';
import { NotFound } from '../../app/not_found';
import { Page } from '../../app/page';
import { Skeleton } from '../../ui';
import { LinkTabs } from '../../ui/tabs';
import { Client } from './client';

type Part = { id: string; title: string; feature: Feature; page: LazyExoticComponent<ComponentType> };

const PARTS: Part[] = [
  { id: '', title: 'Clients', feature: 'operator', page: lazy(() => import('./clients')) },
  { id: 'agents', title: 'Agents', feature: 'operatorAgents', page: lazy(() => import('./agents')) },
  { id: 'hosts', title: 'Hosts', feature: 'operatorHosts', page: lazy(() => import('./hosts')) },
  { id: 'waitlist', title: 'Waitlist', feature: 'operatorWaitlist', page: lazy(() => import('./waitlist')) },
];

/** For whoever runs the platform: all clients, their agents, the hosts, and who waits. */
export default function Operator() {
  const { '*': rest = '' } = useParams<{ '*'?: string }>();
  const [id = '', client, ...more] = rest.split('/');
  const offered = useFeatures(...PARTS.map(({ feature }) => feature));
  if (more.length > 0 || (client && id !== 'clients')) return <NotFound />;
  if (id === 'clients' && client) return <Client key={client} id={client} />;
  const part = PARTS.find((one) => one.id === id);
  if (!part) return <NotFound />;
  const Part = part.page;
  return (
    <Page title="Operator" lead="Everything that runs on this platform. What you change here is in the audit log of the client.">
      <LinkTabs label="Parts of the operator area" current={id}
        tabs={PARTS.filter((one) => offered[one.feature] || one.id === id).map((one) => ({ id: one.id, title: one.title, href: `/operator${one.id && `/${one.id}`}` }))} />
      <ErrorBoundary key={id}>
        <Suspense fallback={<Skeleton label="Loading" />}><Part /></Suspense>
      </ErrorBoundary>
    </Page>
  );
}
