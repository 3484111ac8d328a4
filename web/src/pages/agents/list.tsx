import { useCallback, useDeferredValue, useMemo, useState } from 'react';
import { useSearchParams } from 'wouter';
import { Button, EmptyState, IconChevronDown, IconSearch } from '../../ui';
import { BulkBar } from './bulk_bar';
import { columnsOf, filterFrom, FILTERS, matching, sortFrom, sortRows, SORTS, sortText, type ColumnId, type Row, type Sort } from './rows';
import { AgentsTable } from './table';
import { useWords } from './use_words';

/** The agents with search, filter and sort, which the URL holds, and a selection, which it does not. */
export function List({ rows, may }: { rows: Row[]; may: boolean }) {
  const [search, setSearch] = useSearchParams();
  const [words, setWords] = useWords();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const filter = filterFrom(search.get('show'));
  const sortParameter = search.get('sort');
  const sort = useMemo(() => sortFrom(sortParameter), [sortParameter]);
  const wanted = useDeferredValue(words);
  const shown = useMemo(() => sortRows(matching(rows, wanted).filter(filter.fits), sort), [rows, wanted, filter, sort]);
  const columns = useColumns(rows);
  const chosen = useMemo(() => rows.filter((row) => selected.has(row.agent.id)).map((row) => row.agent), [rows, selected]);

  const put = (name: string, value: string) => setSearch((before) => {
    const next = new URLSearchParams(before);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  }, { replace: true });
  const setSort = (next: Sort) => put('sort', sortText(next) === 'name' ? '' : sortText(next));
  const onSelect = useCallback((id: string, on: boolean) => setSelected((before) => {
    const next = new Set(before);
    if (on) next.add(id);
    else next.delete(id);
    return next;
  }), []);
  const showAll = () => {
    setWords('');
    setSearch(new URLSearchParams(), { replace: true });
  };

  return (
    <div className="stack">
      <div className="filters">
        <div className="input-search">
          <IconSearch size={14} />
          <input className="input" type="search" aria-label="Search agents" placeholder="Search by name, runtime or status" value={words} onChange={(event) => setWords(event.target.value)} />
        </div>
        <div className="segments" role="group" aria-label="Show">
          {FILTERS.map((one) => (
            <button key={one.id} type="button" aria-pressed={one === filter} onClick={() => put('show', one.id)}>{one.title}</button>
          ))}
        </div>
        <SortChoice columns={columns} sort={sort} onSort={setSort} />
        <span className="muted small num agents-count" role="status">{shown.length === rows.length ? '' : `${shown.length} of ${rows.length} shown`}</span>
      </div>
      <BulkBar agents={chosen} onSelect={(agents) => setSelected(new Set(agents.map((agent) => agent.id)))} />
      {shown.length > 0
        ? (
          <AgentsTable rows={shown} columns={columns} sort={sort} onSort={setSort} selected={selected} onSelect={onSelect} selectable={may}
            onSelectAll={(on) => setSelected(on ? new Set(shown.map((row) => row.agent.id)) : new Set())} />
        )
        : (
          <EmptyState icon={<IconSearch size={20} />} title="No agent fits" actions={<Button onClick={showAll}>Show all</Button>}>
            {words ? `Nothing has “${words}” in its name, runtime or status${filter.id ? ', among those chosen above' : ''}.` : 'No agent is in this state.'}
          </EmptyState>
        )}
    </div>
  );
}

/** In a narrow window there are no heads to press. */
function SortChoice({ columns, sort, onSort }: { columns: ColumnId[]; sort: Sort; onSort: (sort: Sort) => void }) {
  const offered = SORTS.filter(({ id }) => columns.includes(id));
  const text = sortText(sort);
  return (
    <label className="agents-sort small">
      <span className="muted">Sort</span>
      <span className="select-wrap"><select className="input" value={text} onChange={(event) => onSort(sortFrom(event.target.value))}>
        {offered.map((one) => <option key={one.text} value={one.text}>{one.title}</option>)}
        {!offered.some((one) => one.text === text) && <option value={text}>As chosen</option>}
      </select><IconChevronDown /></span>
    </label>
  );
}

// The same array while the columns are the same: rows compare it.
function useColumns(rows: Row[]): ColumnId[] {
  const key = useMemo(() => columnsOf(rows).join(), [rows]);
  return useMemo(() => key.split(',') as ColumnId[], [key]);
}
