import type { ReactNode } from 'react';
import { asProblem } from '../api/problem';
import { Button } from './button';
import { classes } from './class_names';
import { IconCheck, IconInfo, IconWarn } from './icons';

type Tone = 'info' | 'good' | 'warn' | 'bad';
const ICON = { info: IconInfo, good: IconCheck, warn: IconWarn, bad: IconWarn };

/** A short message in the page. Bad ones are announced. */
export function Notice({ tone = 'info', title, children, action }: { tone?: Tone; title?: ReactNode; children?: ReactNode; action?: ReactNode }) {
  const Icon = ICON[tone];
  return (
    <div className={classes('notice', `notice-${tone}`)} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon />
      <div className="notice-body">
        {title != null && <div className="notice-title">{title}</div>}
        {children != null && <div>{children}</div>}
      </div>
      {action}
    </div>
  );
}

/** What failed and what to do, for any thrown value. `retry` offers to try again. */
export function ErrorNotice({ error, title = 'That did not work', retry }: { error: unknown; title?: ReactNode; retry?: () => void }) {
  if (error == null) return null;
  const problem = asProblem(error);
  if (problem.code === 'step_up_cancelled') return <Notice tone="info">{problem.detail}</Notice>;
  return (
    <Notice tone="bad" title={title} action={retry && <Button size="small" onClick={retry}>Try again</Button>}>
      {problem.detail}
      {problem.retryAfter !== null && <> Try again in {waitText(problem.retryAfter)}.</>}
      {problem.requestId && problem.status >= 500 && <div className="small muted">Request {problem.requestId}</div>}
    </Notice>
  );
}

const waitText = (seconds: number) => (seconds < 90 ? `${Math.ceil(seconds)} seconds` : `${Math.ceil(seconds / 60)} minutes`);
