import { useQuery } from '@tanstack/react-query';
import { createContext, useContext, type ReactNode } from 'react';
import { Redirect, useLocation } from 'wouter';
import { sessionQuery } from '../api/queries';
import type { Session } from '../api/types';
import { Skeleton } from '../ui/display';
import { ErrorNotice } from '../ui/notice';
import { AloneLayout } from './alone_layout';

const Current = createContext<Session | null>(null);

/** The session of a page behind <SignedIn>: always of level `full`. */
export function useSession(): Session {
  const session = useContext(Current);
  if (!session) throw new Error('useSession is for pages behind <SignedIn>');
  return session;
}

/** Where a session has to go next; null: anywhere. */
function nextStep(session: Session | null): '/login' | '/welcome' | null {
  if (!session) return '/login';
  if (session.level === 'full') return null;
  return session.user.twoFactorEnabled ? '/login' : '/welcome';
}

function Waiting({ error, retry }: { error: unknown; retry: () => void }) {
  if (!error) return <AloneLayout title="Loading"><Skeleton /></AloneLayout>;
  return <AloneLayout title="No connection"><ErrorNotice error={error} title="The dashboard could not load" retry={retry} /></AloneLayout>;
}

/** Shows its pages to a fully signed-in user; sends others where they can become one, and back after. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { data: session, error, refetch, isPending } = useQuery(sessionQuery);
  const [location] = useLocation();
  if (isPending || (error && session === undefined)) return <Waiting error={error} retry={() => void refetch()} />;
  const step = nextStep(session ?? null);
  if (step || !session) {
    const back = location === '/' || location === '/agents' ? '' : `?next=${encodeURIComponent(location + window.location.search)}`;
    return <Redirect to={`${step ?? '/login'}${back}`} replace />;
  }
  return <Current.Provider value={session}>{children}</Current.Provider>;
}

/** For sign-in pages: somebody who is signed in goes on to the app. */
export function SignedOut({ children }: { children: ReactNode }) {
  const { data: session, error, refetch, isPending } = useQuery(sessionQuery);
  // Whoever is signed in is not known then; the pages below would ask again, and again.
  if (error && session === undefined) return <Waiting error={error} retry={() => void refetch()} />;
  if (isPending) return null;
  if (session && nextStep(session) === null) return <Redirect to={afterSignIn()} replace />;
  if (session && nextStep(session) === '/welcome') return <Redirect to="/welcome" replace />;
  return children;
}

/** The page that was asked for before the sign-in, if it is one of ours. */
export function afterSignIn(): string {
  const next = new URLSearchParams(window.location.search).get('next');
  return next && /^\/[a-z]/.test(next) ? next : '/agents';
}
