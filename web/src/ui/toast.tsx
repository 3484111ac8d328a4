import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { Problem } from '../api/problem';
import { Button } from './button';
import { IconCheck, IconCross, IconInfo, IconWarn } from './icons';

type Toast = { id: number; tone: 'good' | 'bad' | 'info'; text: string };

let toasts: Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();
const set = (next: Toast[]) => {
  toasts = next;
  listeners.forEach((listener) => listener());
};
const drop = (id: number) => set(toasts.filter((one) => one.id !== id));

function show(tone: Toast['tone'], text: string): void {
  const id = nextId++;
  set([...toasts.filter((one) => one.text !== text), { id, tone, text }].slice(-4));
  // A failure stays until it is read.
  if (tone !== 'bad') setTimeout(() => drop(id), 5000);
}

/** Short messages at the edge of the window, announced to screen readers. */
export const toast = {
  good: (text: string) => show('good', text),
  info: (text: string) => show('info', text),
  bad: (text: string) => show('bad', text),
  problem: (problem: Problem) => show('bad', problem.detail),
};

const ICON = { good: IconCheck, bad: IconWarn, info: IconInfo };

export function Toasts() {
  const shown = useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => { listeners.delete(listener); };
  }, () => toasts);
  const element = useRef<HTMLDivElement>(null);
  // In the top layer, so that an open dialog does not hide it.
  useEffect(() => {
    const box = element.current;
    if (!box?.showPopover) return;
    if (box.matches(':popover-open')) box.hidePopover();
    if (shown.length > 0) box.showPopover();
  }, [shown]);
  return (
    <div ref={element} className="toasts" popover="manual" role="status" aria-live="polite">
      {shown.map((one) => {
        const Icon = ICON[one.tone];
        return (
          <div className={`toast toast-${one.tone}`} key={one.id}>
            <Icon />
            <div className="toast-body">{one.text}</div>
            <Button variant="ghost" size="small" iconOnly aria-label="Dismiss" onClick={() => drop(one.id)}><IconCross /></Button>
          </div>
        );
      })}
    </div>
  );
}
