// What is at which address. Every page is a chunk of its own, loaded when it is first shown.

import { lazy, Suspense, type ComponentType, type LazyExoticComponent, type ReactNode } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import type { Feature } from '../api/queries';
import { Skeleton } from '../ui/display';
import { ErrorBoundary } from './error_boundary';
import { SignedIn, SignedOut } from './guards';
import { IfOffered } from './if_offered';
import { NotFound } from './not_found';
import { Shell } from './shell';

type Page = LazyExoticComponent<ComponentType>;

const Login = lazy(() => import('../pages/login'));
const Register = lazy(() => import('../pages/register'));
const Welcome = lazy(() => import('../pages/welcome'));
const Deploy = lazy(() => import('../pages/deploy'));
const DeployProgress = lazy(() => import('../pages/deploy/progress_page'));
const Security = lazy(() => import('../pages/security'));
const Agents = lazy(() => import('../pages/agents'));
const Agent = lazy(() => import('../pages/agent'));
const Audit = lazy(() => import('../pages/audit'));
const Approvals = lazy(() => import('../pages/approvals'));
const Billing = lazy(() => import('../pages/billing'));
const Team = lazy(() => import('../pages/team'));
const Invitation = lazy(() => import('../pages/invitation'));
const Keys = lazy(() => import('../pages/keys'));
const Operator = lazy(() => import('../pages/operator'));
// Every primitive on one page, for development: VITE_KIT=1 npm run build.
const Kit = import.meta.env.DEV || import.meta.env.VITE_KIT ? lazy(() => import('../pages/kit')) : null;

/** One agent's tabs are one page, and so are the operator's parts: they keep their head. */
const pageKey = () => {
  const parts = window.location.pathname.split('/');
  return parts.slice(0, parts[2] === 'operator' ? 3 : 4).join('/');
};

/** A page in the frame; a fault in it leaves the frame standing. */
function Frame({ children }: { children: ReactNode }) {
  return (
    <SignedIn>
      <Shell>
        <ErrorBoundary key={pageKey()}>
          <Suspense fallback={<Skeleton label="Loading the page" />}>{children}</Suspense>
        </ErrorBoundary>
      </Shell>
    </SignedIn>
  );
}
const Framed = ({ page: Page }: { page: Page }) => <Frame><Page /></Frame>;

/** A page that only some servers, plans or roles have. */
const Optional = ({ feature, title, page: Page }: { feature: Feature; title: string; page: Page }) => (
  <Frame><IfOffered feature={feature} title={title}><Page /></IfOffered></Frame>
);

const alone = (Page: Page) => <Suspense fallback={null}><Page /></Suspense>;

export function Routes() {
  return (
    <Switch>
      <Route path="/login"><SignedOut>{alone(Login)}</SignedOut></Route>
      <Route path="/register"><SignedOut>{alone(Register)}</SignedOut></Route>
      <Route path="/invitation">{alone(Invitation)}</Route>
      <Route path="/welcome">{alone(Welcome)}</Route>
      {Kit && <Route path="/kit">{alone(Kit)}</Route>}
      <Route path="/"><SignedIn><Redirect to="/agents" replace /></SignedIn></Route>
      <Route path="/agents"><Framed page={Agents} /></Route>
      <Route path="/agents/new"><Framed page={Deploy} /></Route>
      <Route path="/agents/:id/deploying"><Framed page={DeployProgress} /></Route>
      <Route path="/agents/:id/:tab?"><Framed page={Agent} /></Route>
      <Route path="/audit"><Framed page={Audit} /></Route>
      <Route path="/security"><Framed page={Security} /></Route>
      <Route path="/approvals"><Optional feature="approvals" title="Approvals" page={Approvals} /></Route>
      <Route path="/billing"><Optional feature="billing" title="Billing" page={Billing} /></Route>
      <Route path="/team"><Optional feature="team" title="Team" page={Team} /></Route>
      <Route path="/keys"><Optional feature="keys" title="API keys" page={Keys} /></Route>
      <Route path="/operator/*?"><Optional feature="operator" title="Operator" page={Operator} /></Route>
      <Route><SignedIn><Shell><NotFound /></Shell></SignedIn></Route>
    </Switch>
  );
}
