import { createContext, useContext, useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { Button } from './button';
import { classes } from './class_names';

const Close = createContext<() => void>(() => {});

type MenuProps = {
  label: string; trigger: ReactNode; children: ReactNode;
  variant?: 'secondary' | 'ghost'; size?: 'small' | 'medium'; iconOnly?: boolean;
  /** What was chosen is under way. */
  busy?: boolean;
};

/** A button with a list of actions: a native popover, arrow keys, Home, End, Escape and focus back. */
export function Menu({ label, trigger, children, variant = 'ghost', size = 'medium', iconOnly, busy }: MenuProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const anchor = useRef<HTMLSpanElement>(null);
  const list = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const box = list.current;
    const button = anchor.current?.querySelector('button');
    if (!open || !box || !button) return;
    box.showPopover();
    const from = button.getBoundingClientRect();
    const size = box.getBoundingClientRect();
    const below = from.bottom + 4 + size.height <= window.innerHeight;
    box.style.top = `${Math.max(8, below ? from.bottom + 4 : from.top - 4 - size.height)}px`;
    box.style.left = `${Math.max(8, Math.min(from.right - size.width, window.innerWidth - size.width - 8))}px`;
    items(box)[0]?.focus();
  }, [open]);

  const close = () => {
    list.current?.hidePopover();
    setOpen(false);
    anchor.current?.querySelector('button')?.focus();
  };

  function keyDown(event: KeyboardEvent) {
    const box = list.current;
    if (!box) return;
    const all = items(box);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    if (event.key in moves) {
      all[((moves[event.key] ?? 0) + all.length) % all.length]?.focus();
      event.preventDefault();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      close();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  return (
    <span ref={anchor}>
      <Button variant={variant} size={size} iconOnly={iconOnly} busy={busy} aria-label={label} aria-haspopup="menu" aria-expanded={open}
        aria-controls={open ? id : undefined} onClick={() => (open ? close() : setOpen(true))}>{trigger}</Button>
      {open && (
        <div ref={list} id={id} className="menu" popover="auto" role="menu" aria-label={label} onKeyDown={keyDown}
          onToggle={(event) => { if (event.newState === 'closed') setOpen(false); }}>
          <Close.Provider value={close}>{children}</Close.Provider>
        </div>
      )}
    </span>
  );
}

const items = (box: HTMLElement) => [...box.querySelectorAll<HTMLElement>('[role^="menuitem"]:not(:disabled)')];

type ItemProps = { icon?: ReactNode; children: ReactNode; onSelect?: () => void; href?: string; danger?: boolean; disabled?: boolean };

export function MenuItem({ icon, children, onSelect, href, danger, disabled }: ItemProps) {
  const close = useContext(Close);
  const [, navigate] = useLocation();
  const act = () => {
    close();
    if (href) navigate(href);
    onSelect?.();
  };
  return (
    <button type="button" role="menuitem" tabIndex={-1} className={classes('menu-item', danger && 'menu-item-danger')} disabled={disabled} onClick={act}>
      {icon}<span className="grow">{children}</span>
    </button>
  );
}

export const MenuLine = () => <hr className="menu-line" />;
export const MenuHead = ({ children }: { children: ReactNode }) => <div className="menu-head muted" role="presentation">{children}</div>;
