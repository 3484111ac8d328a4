import { useEffect, useRef, useSyncExternalStore } from 'react';
import { Link } from 'wouter';
import type { Problem } from '../api/problem';
import { Button } from './button';
import { IconCheck, IconCross, IconInfo, IconWarn } from './icons';

/** Where to look at what the toast tells. */
type ToastLink = { href: string; title: string };
type Toast = { id: number; tone: 'good' | 'bad' | 'info'; text: string; link?: ToastLink };

let toasts: Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();
const set = (next: Toast[]) => {
  toasts = next;
  listeners.forEach((listener) => listener());
};
const drop = (id: number) => set(toasts.filter((one) => one.id !== id));

const SHOWN_MS = 6000;
const MOST = 4;

// A failure stays until it is read; others go first when there are too many.
function room(all: Toast[]): Toast[] {
  if (all.length <= MOST) return all;
  const least = all.find((one) => one.tone !== 'bad') ?? all[0];
  return room(all.filter((one) => one !== least));
}

// Nobody reads in a tab that is not shown: the time begins when it is.
function whenShown(act: () => void): void {
  if (!document.hidden) return act();
  document.addEventListener('visibilitychange', () => whenShown(act), { once: true });
}

function show(tone: Toast['tone'], text: string, link?: ToastLink): void {
  const id = nextId++;
  set(room([...toasts.filter((one) => one.text !== text), { id, tone, text, link }]));
  if (tone !== 'bad') whenShown(() => setTimeout(() => drop(id), SHOWN_MS));
}

/** Short messages at the edge of the window, announced to screen readers. */
export const toast = {
  good: (text: string, link?: ToastLink) => show('good', text, link),
  info: (text: string, link?: ToastLink) => show('info', text, link),
  bad: (text: string, link?: ToastLink) => show('bad', text, link),
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
            <div className="toast-body">{one.text}{one.link && <> <Link href={one.link.href} onClick={() => drop(one.id)}>{one.link.title}</Link></>}</div>
            <Button variant="ghost" size="small" iconOnly aria-label="Dismiss" onClick={() => drop(one.id)}><IconCross /></Button>
          </div>
        );
      })}
    </div>
  );
}
