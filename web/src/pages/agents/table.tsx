import { useLayoutEffect, useMemo, useRef, type ReactNode } from 'react';
import { IconArrowUp, classes } from '../../ui';
import { AgentRow, RIGHT, TITLES } from './row';
import type { ColumnId, Row, Sort } from './rows';
import { slotsFor, type Slots } from './slots';
import { useDrawn } from './use_drawn';

type Props = {
  rows: Row[]; columns: ColumnId[]; sort: Sort; onSort: (sort: Sort) => void;
  selected: ReadonlySet<string>; onSelect: (id: string, on: boolean) => void; onSelectAll: (on: boolean) => void; selectable: boolean;
};

/** All agents; of a long list only the rows near the window and near the focus are in the page. */
export function AgentsTable({ rows, columns, sort, onSort, selected, onSelect, onSelectAll, selectable }: Props) {
  const body = useRef<HTMLTableSectionElement>(null);
  const ids = useMemo(() => rows.map((row) => row.agent.id), [rows]);
  const { ranges, pitch, focusedId, onFocus, onBlur } = useDrawn(ids, body);
  const slots = useSlots(ranges.flatMap(({ from, to }) => ids.slice(from, to)), focusedId);
  const width = columns.length + (selectable ? 1 : 0);

  const lines: ReactNode[] = [];
  let end = 0;
  for (const { from, to } of ranges) {
    if (from > end) lines.push(<Gap key={`before ${ids[from]}`} height={(from - end) * pitch} width={width} />);
    for (const [at, row] of rows.slice(from, to).entries()) {
      lines.push(<AgentRow key={slots.get(row.agent.id)} row={row} index={from + at} columns={columns} selected={selected.has(row.agent.id)} onSelect={selectable ? onSelect : null} />);
    }
    end = to;
  }

  return (
    <div className="table-wrap agents-wrap" role="region" aria-label="Agents" tabIndex={0}>
      <table role="table" className="table agents" aria-rowcount={rows.length + 1}>
        <caption className="sr-only">Agents</caption>
        <thead role="rowgroup">
          <tr role="row" aria-rowindex={1}>
            {selectable && <th scope="col" role="columnheader" className="agents-check"><SelectAll rows={rows} selected={selected} onSelectAll={onSelectAll} /></th>}
            {columns.map((id) => <Head key={id} id={id} sort={sort} onSort={onSort} />)}
          </tr>
        </thead>
        <tbody role="rowgroup" ref={body} onFocus={onFocus} onBlur={onBlur}>{lines}</tbody>
      </table>
    </div>
  );
}

function useSlots(drawn: string[], focusedId: string | null): Slots {
  const shown = useRef<Slots>(new Map());
  const slots = slotsFor(shown.current, drawn, focusedId);
  useLayoutEffect(() => { shown.current = slots; });
  return slots;
}

/** Stands for rows that are not drawn. */
const Gap = ({ height, width }: { height: number; width: number }) => (
  <tr className="agents-gap" aria-hidden="true"><td colSpan={width} style={{ height }} /></tr>
);

function Head({ id, sort, onSort }: { id: ColumnId; sort: Sort; onSort: (sort: Sort) => void }) {
  const current = sort.id === id;
  // Numbers are looked at from the top first.
  const click = () => onSort({ id, down: current ? !sort.down : id !== 'name' && id !== 'state' });
  return (
    <th scope="col" role="columnheader" className={classes(RIGHT.has(id) && 'cell-right', `agents-${id}`)} aria-sort={current ? (sort.down ? 'descending' : 'ascending') : undefined}>
      <button type="button" className="table-sort" onClick={click}>{TITLES[id]}<IconArrowUp size={12} /></button>
    </th>
  );
}

function SelectAll({ rows, selected, onSelectAll }: Pick<Props, 'rows' | 'selected' | 'onSelectAll'>) {
  const chosen = rows.filter((row) => selected.has(row.agent.id)).length;
  const all = chosen === rows.length;
  return (
    <label className="agents-tick">
      <input type="checkbox" id="select-all-agents" aria-label="Select all" checked={all}
        ref={(box) => { if (box) box.indeterminate = chosen > 0 && !all; }} onChange={(event) => onSelectAll(event.target.checked)} />
    </label>
  );
}
