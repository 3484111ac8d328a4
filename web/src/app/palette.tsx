import { useDeferredValue, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { IconSearch } from '../ui/icons';
import type { Asked } from './order_dialog';
import { search, useCommands, type Command } from './palette_commands';

/**
 * ⌘K: go anywhere or do something by typing a part of its name. It is mounted for one opening: what is
 * typed at once belongs to this opening, and nothing of the last one is there.
 */
export function Palette({ onClose, onAsk }: { onClose: () => void; onAsk: (asked: Asked) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [words, setWords] = useState('');
  const [at, setAt] = useState(0);
  const id = useId();
  const commands = useCommands(onAsk);
  const found = useMemo(() => search(commands, words), [commands, words]);
  const told = useDeferredValue(found.length);

  // Before the next key can come.
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => { if (before instanceof HTMLElement) before.focus(); };
  }, []);
  useEffect(() => { document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: 'nearest' }); }, [id, at]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  function keyDown(event: KeyboardEvent) {
    const last = Math.max(0, found.length - 1);
    if (event.key === 'ArrowDown') setAt(at >= last ? 0 : at + 1);
    else if (event.key === 'ArrowUp') setAt(at <= 0 ? last : at - 1);
    else if (event.key === 'Enter' && !event.nativeEvent.isComposing) run(found[at]);
    else return;
    event.preventDefault();
  }

  return (
    <dialog ref={dialog} className="dialog palette" aria-label="Search" onCancel={(event) => { event.preventDefault(); onClose(); }}
      onMouseDown={(event) => { if (event.target === dialog.current) onClose(); }}>
      <div className="palette-input">
        <IconSearch />
        <input autoFocus role="combobox" aria-expanded="true" aria-autocomplete="list" aria-controls={`${id}-list`} aria-activedescendant={found[at] ? `${id}-${at}` : undefined}
          aria-label="Search pages, agents and orders" placeholder="Where to, or what to do: “stop mailer”" value={words} autoComplete="off" spellCheck={false}
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
      <p className="sr-only" role="status">{told === 1 ? '1 result' : `${told} results`}</p>
    </dialog>
  );
}
