// Trying a stored credential: one call that the platform makes, and its result in words.

import { useMutation } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import { asProblem } from '../api/problem';
import type { CredentialTest } from '../api/types';
import { Button, Notice } from '../ui';

export type TestResult = { name: string; test: CredentialTest } | { name: string; error: unknown };

/** "Test", for one credential. What comes of it goes to `onResult`, null when a new try begins. */
export function TestButton({ agentId, name, onResult, label = 'Test' }: { agentId: string; name: string; onResult: (result: TestResult | null) => void; label?: string }) {
  const test = useMutation({
    mutationFn: () => ok(api.POST('/api/agents/{id}/credentials/{name}/test', { params: { path: { id: agentId, name } }, body: {} })),
    meta: { shown: true },
    onMutate: () => onResult(null),
    onSuccess: (answer) => onResult({ name, test: answer }),
    onError: (error) => onResult({ name, error }),
  });
  return <Button size="small" aria-label={`Test ${name}`} busy={test.isPending} onClick={() => test.mutate()}>{test.isPending ? 'Testing…' : label}</Button>;
}

const TITLES = { accepted: 'works', refused: 'is refused', unreachable: 'could not be tested', unclear: 'has no clear verdict' } as const;
const TONES = { accepted: 'good', refused: 'warn', unreachable: 'warn', unclear: 'info' } as const;

/** The place for a result. It is there from the beginning, so that screen readers tell what comes into it. */
export function TestResultPlace({ result }: { result: TestResult | null }) {
  return <div role="status" aria-live="polite">{result && <Result result={result} />}</div>;
}

function Result({ result }: { result: TestResult }) {
  if ('error' in result) {
    const { detail } = asProblem(result.error);
    return <Notice tone="warn" title={`${result.name} was not tested`}>{detail}</Notice>;
  }
  const { verdict, message, status } = result.test;
  return <Notice tone={TONES[verdict]} title={`${result.name} ${TITLES[verdict]}`}>{message}{status !== null && verdict !== 'accepted' && <span className="muted"> The service answered {status}.</span>}</Notice>;
}
