// What is at which address. Sign-in and the list of agents, where people arrive, come with the app; every
// other page is a chunk of its own.

import { Suspense, type ComponentType, type ReactNode } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import type { Feature } from '../api/queries';
import Agents from '../pages/agents';
import Login from '../pages/login';
import { Skeleton } from '../ui/display';
import { ErrorBoundary } from './error_boundary';
import { SignedIn, SignedOut } from './guards';
import { IfOffered } from './if_offered';
import { lazyPage, type LazyPage } from './lazy_page';
import { NotFound } from './not_found';
import { Shell } from './shell';

const Register = lazyPage(() => import('../pages/register'));
const Welcome = lazyPage(() => import('../pages/welcome'));
const Deploy = lazyPage(() => import('../pages/deploy'));
const DeployProgress = lazyPage(() => import('../pages/deploy/progress_page'));
const Security = lazyPage(() => import('../pages/security'));
const Agent = lazyPage(() => import('../pages/agent'));
const Audit = lazyPage(() => import('../pages/audit'));
const Approvals = lazyPage(() => import('../pages/approvals'));
const Billing = lazyPage(() => import('../pages/billing'));
const Team = lazyPage(() => import('../pages/team'));
const Invitation = lazyPage(() => import('../pages/invitation'));
const Keys = lazyPage(() => import('../pages/keys'));
const Operator = lazyPage(() => import('../pages/operator'));
// Every primitive on one page, for development: VITE_KIT=1 npm run build.
const Kit = import.meta.env.DEV || import.meta.env.VITE_KIT ? lazyPage(() => import('../pages/kit')) : null;

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

type Page = ComponentType | LazyPage;
/** The page's chunk is loaded beside the session that its guard waits for. */
const start = (page: Page) => { if ('start' in page) page.start(); };

function Framed({ page: Page }: { page: Page }) {
  start(Page);
  return <Frame><Page /></Frame>;
}

/** A page that only some servers, plans or roles have. */
function Optional({ feature, title, page: Page }: { feature: Feature; title: string; page: Page }) {
  start(Page);
  return <Frame><IfOffered feature={feature} title={title}><Page /></IfOffered></Frame>;
}

/** A page without the frame. */
function Alone({ page: Page }: { page: Page }) {
  start(Page);
  return <Suspense fallback={null}><Page /></Suspense>;
}

function SigningIn({ page: Page }: { page: Page }) {
  start(Page);
  return <SignedOut><Alone page={Page} /></SignedOut>;
}

export function Routes() {
  return (
    <Switch>
      <Route path="/login"><SigningIn page={Login} /></Route>
      <Route path="/register"><SigningIn page={Register} /></Route>
      <Route path="/invitation"><Alone page={Invitation} /></Route>
      <Route path="/welcome"><Alone page={Welcome} /></Route>
      {Kit && <Route path="/kit"><Alone page={Kit} /></Route>}
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
