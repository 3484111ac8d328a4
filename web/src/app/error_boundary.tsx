import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button';
import { EmptyState } from '../ui/display';
import { IconWarn } from '../ui/icons';

type State = { error: Error | null };

/** Catches faults of the page below it, says so, and offers a way on. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    // After an update of the server the old page's chunks are gone: only a reload helps.
    const outdated = /dynamically imported module|module script|preload/i.test(error.message);
    return (
      <main className="page" role="alert">
        <EmptyState icon={<IconWarn size={20} />} title={outdated ? 'A part of the page could not be loaded' : 'This page has a fault'}
          actions={<>
            <Button variant="primary" onClick={() => window.location.reload()}>Reload</Button>
            {!outdated && <Button onClick={() => this.setState({ error: null })}>Try again</Button>}
          </>}>
          {outdated
            ? 'The connection was lost, or the dashboard was updated since you opened it. Reload to go on.'
            : 'Your agents are not affected. Reload the page; if it happens again, tell support what you did.'}
        </EmptyState>
      </main>
    );
  }
}
