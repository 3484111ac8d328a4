import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { agentsQuery } from '../api/queries';
import { roleReaches } from '../api/types';
import { IconAgent, IconMoon, IconPlus, IconSearch, IconSignOut, IconSun } from '../ui/icons';
import { useSignOut } from './account_menu';
import { useSession } from './guards';
import { usePlaces } from './navigation';
import { setTheme } from './theme';

type Command = { id: string; title: string; hint: string; icon: ReactNode; run: () => void };

/** How well `words` fit `text`: every word must occur, earlier is better; null when one does not. */
export function fit(text: string, words: string): number | null {
  const low = text.toLowerCase();
  let score = 0;
  for (const word of words.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = low.indexOf(word);
    if (at < 0) return null;
    score += at === 0 || low[at - 1] === ' ' ? at : at + 100;
  }
  return score;
}

function useCommands(open: boolean): Command[] {
  const places = usePlaces();
  const [, navigate] = useLocation();
  const signOut = useSignOut();
  const { user } = useSession();
  const { data: agents } = useQuery({ ...agentsQuery, enabled: open });
  return useMemo(() => [
    ...(roleReaches(user.role, 'member')
      ? [{ id: 'new', title: 'Deploy a new agent', hint: 'Action', icon: <IconPlus />, run: () => navigate('/agents/new') }] : []),
    ...places.map((place) => ({ id: place.href, title: place.title, hint: 'Page', icon: place.icon, run: () => navigate(place.href) })),
    ...(agents ?? []).map((agent) => ({ id: agent.id, title: agent.name, hint: `Agent, ${agent.status}`, icon: <IconAgent />, run: () => navigate(`/agents/${agent.id}`) })),
    { id: 'light', title: 'Theme: light', hint: 'Action', icon: <IconSun />, run: () => setTheme('light') },
    { id: 'dark', title: 'Theme: dark', hint: 'Action', icon: <IconMoon />, run: () => setTheme('dark') },
    { id: 'out', title: 'Sign out', hint: 'Action', icon: <IconSignOut />, run: () => void signOut() },
  ], [places, agents, navigate, signOut, user.role]);
}

/** ⌘K: go anywhere or do something by typing a part of its name. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [words, setWords] = useState('');
  const [at, setAt] = useState(0);
  const id = useId();
  const commands = useCommands(open);
  const found = useMemo(() => commands
    .map((command) => ({ command, score: fit(command.title, words) }))
    .filter((one): one is { command: Command; score: number } => one.score !== null)
    .sort((a, b) => a.score - b.score).slice(0, 12).map((one) => one.command), [commands, words]);

  useEffect(() => {
    if (!open) return;
    const before = document.activeElement;
    setWords('');
    setAt(0);
    dialog.current?.showModal();
    return () => { if (before instanceof HTMLElement) before.focus(); };
  }, [open]);
  if (!open) return null;

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  function keyDown(event: KeyboardEvent) {
    if (event.key === 'ArrowDown') setAt((at + 1) % Math.max(1, found.length));
    else if (event.key === 'ArrowUp') setAt((at - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === 'Enter') run(found[at]);
    else return;
    event.preventDefault();
  }

  return (
    <dialog ref={dialog} className="dialog palette" aria-label="Search" onCancel={(event) => { event.preventDefault(); onClose(); }}
      onMouseDown={(event) => { if (event.target === dialog.current) onClose(); }}>
      <div className="palette-input">
        <IconSearch />
        <input autoFocus role="combobox" aria-expanded="true" aria-controls={`${id}-list`} aria-activedescendant={found[at] ? `${id}-${at}` : undefined}
          aria-label="Search pages, agents and actions" placeholder="Search pages, agents and actions" value={words} autoComplete="off" spellCheck={false}
          onChange={(event) => { setWords(event.target.value); setAt(0); }} onKeyDown={keyDown} />
      </div>
      <ul className="palette-list" role="listbox" id={`${id}-list`} aria-label="Results">
        {found.map((command, index) => (
          <li key={command.id} id={`${id}-${index}`} role="option" aria-selected={index === at} className="palette-item"
            onMouseMove={() => setAt(index)} onClick={() => run(command)}>
            {command.icon}<span className="grow truncate">{command.title}</span><span className="muted small">{command.hint}</span>
          </li>
        ))}
        {found.length === 0 && <li className="palette-none muted" role="presentation">Nothing is called that.</li>}
      </ul>
    </dialog>
  );
}
