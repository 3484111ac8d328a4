import { useEffect, type ReactNode } from 'react';
import { Button, Notice } from '../../ui';
import { keepFocus } from '../../ui/focus';
import type { AgentEdit } from './use_agent_part';

/** Somebody else changed what is being edited here: what differs, and whose shall stay. */
export function ConflictNotice<T>({ edit, show }: { edit: AgentEdit<T>; show: (theirs: T, mine: T) => ReactNode }) {
  const { theirs } = edit;
  const torn = theirs !== null;
  // The button that ends it goes with it.
  useEffect(() => (torn ? keepFocus : undefined), [torn]);
  if (theirs === null) return null;
  return (
    <div role="alert">
      <Notice tone="warn" title="Changed elsewhere meanwhile">
        <div className="stack-2">
          <p>Your version is not saved. From what is stored now to yours:</p>
          {show(theirs, edit.draft)}
          <p className="row-wrap">
            <Button size="small" onClick={edit.takeTheirs}>Take theirs</Button>
            <Button size="small" onClick={edit.keepMine}>Keep mine</Button>
          </p>
        </div>
      </Notice>
    </div>
  );
}
