import './deploy.css';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { useLocation, useSearch } from 'wouter';
import { Page } from '../../app/page';
import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { credentialKindsQuery, runtimesQuery } from '../../api/queries';
import { Button, ErrorNotice, IconArrowRight, IconCheck, Skeleton } from '../../ui';
import { STEPS, emptyDraft, requestOf, stepOfPointer, type Draft, type Step } from './draft';
import { STEP_VIEWS, TITLES } from './steps';

export type StepProps = {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  /** What the server or the step itself says is wrong, by JSON pointer of the request. */
  wrong: (pointer: string) => string | undefined;
  goTo: (step: Step) => void;
};

const isStep = (text: string | null): text is Step => STEPS.includes(text as Step);

/** The wizard: six short steps, one request. What is typed stays in this page until it is sent. */
export default function Deploy() {
  const runtimes = useQuery(runtimesQuery);
  const kinds = useQuery(credentialKindsQuery);
  const error = runtimes.error ?? kinds.error;
  if (error) {
    return (
      <Page title="Deploy an agent" narrow>
        <ErrorNotice error={error} title="The choices could not be loaded" retry={() => { void runtimes.refetch(); void kinds.refetch(); }} />
      </Page>
    );
  }
  if (!runtimes.data || !kinds.data) return <Page title="Deploy an agent" narrow><Skeleton label="Loading the choices" /></Page>;
  return <Wizard />;
}

function Wizard() {
  const { data: runtimes = [] } = useQuery(runtimesQuery);
  const [draft, setDraft] = useState<Draft>(() => ({ ...emptyDraft(), runtime: (runtimes.find((one) => one.name === 'openclaw') ?? runtimes[0])?.name ?? '' }));
  const [furthest, setFurthest] = useState(0);
  const [, navigate] = useLocation();
  const asked = new URLSearchParams(useSearch()).get('step');
  // A step that was not reached yet (a reload forgot the draft) starts over.
  const current: Step = isStep(asked) && STEPS.indexOf(asked) <= furthest ? asked : 'runtime';
  const index = STEPS.indexOf(current);
  const runtime = runtimes.find((one) => one.name === draft.runtime);
  const queries = useQueryClient();
  const [local, setLocal] = useState<Record<string, string>>({});

  const goTo = (step: Step) => {
    setFurthest(Math.max(furthest, STEPS.indexOf(step)));
    navigate(`/agents/new?step=${step}`);
  };
  const deploy = useMutation({
    mutationFn: () => ok(api.POST('/api/agents', { body: requestOf(draft, runtime) })),
    meta: { shown: true },
    onSuccess: ({ agent }) => {
      queries.setQueryData(['agent', agent.id], { agent, etag: null });
      void queries.invalidateQueries({ queryKey: ['agents'] });
      navigate(`/agents/${agent.id}/deploying?first`, { replace: true });
    },
    onError: (failure) => {
      const problem = asProblem(failure);
      const first = problem.code === 'name_taken' ? '/name' : problem.fields[0]?.pointer;
      if (first) goTo(stepOfPointer(first, draft));
    },
  });

  const problem = deploy.error ? asProblem(deploy.error) : null;
  const wrong = (pointer: string) => local[pointer] ?? problem?.at(pointer)
    ?? (pointer === '/name' && problem?.code === 'name_taken' ? `${problem.detail} Choose another.` : undefined);
  const set = (change: Partial<Draft>) => {
    setDraft({ ...draft, ...change });
    setLocal({});
    if (deploy.error) deploy.reset();
  };

  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(current);
  useEffect(() => {
    if (shown.current !== current) heading.current?.focus();
    shown.current = current;
  }, [current]);

  const { View, check } = STEP_VIEWS[current];
  function submit(event: FormEvent) {
    event.preventDefault();
    const found = check(draft, runtime);
    setLocal(found);
    if (Object.keys(found).length > 0) return;
    const next = STEPS[index + 1];
    if (next) goTo(next);
    else deploy.mutate();
  }
  const unplaced = problem && !(problem.fields.length > 0 || problem.code === 'name_taken');

  return (
    <Page title="Deploy an agent" lead="It runs in a box of its own, and reaches only what you allow.">
      <div className="wizard">
        <ol className="wizard-steps" aria-label="Steps">
          {STEPS.map((step, at) => (
            <li key={step} aria-current={step === current ? 'step' : undefined} data-done={at < index || undefined}>
              <button type="button" disabled={at > furthest} onClick={() => goTo(step)}>
                <span className="wizard-mark" aria-hidden="true">{at < index ? <IconCheck size={12} /> : at + 1}</span>{TITLES[step].short}
              </button>
            </li>
          ))}
        </ol>
        <form className="wizard-main" onSubmit={submit} noValidate>
          <div className="stack-1">
            <div className="wizard-count muted small">Step {index + 1} of {STEPS.length}</div>
            <h2 ref={heading} tabIndex={-1}>{TITLES[current].title}</h2>
            <p className="muted">{TITLES[current].lead}</p>
          </div>
          {unplaced && <ErrorNotice error={problem} title="The agent was not deployed" />}
          <View draft={draft} set={set} wrong={wrong} goTo={goTo} />
          <div className="wizard-actions">
            {index > 0 ? <Button onClick={() => goTo(STEPS[index - 1] ?? 'runtime')}>Back</Button> : <span />}
            <Button type="submit" variant="primary" busy={deploy.isPending}>
              {current === 'review' ? 'Deploy agent' : <>Continue<IconArrowRight size={14} /></>}
            </Button>
          </div>
        </form>
      </div>
    </Page>
  );
}
