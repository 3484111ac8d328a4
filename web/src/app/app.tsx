import { QueryClientProvider } from '@tanstack/react-query';
import { Router } from 'wouter';
import { queryClient } from '../api/queries';
import { Toasts } from '../ui/toast';
import { ErrorBoundary } from './error_boundary';
import { Routes } from './routes';
import { StepUpDialog } from './step_up_dialog';

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Router base="/app">
        <ErrorBoundary>
          <Routes />
        </ErrorBoundary>
        <StepUpDialog />
        <Toasts />
      </Router>
    </QueryClientProvider>
  );
}
