import { useMemo, useState, type ReactNode } from 'react';
import { classes } from './class_names';
import { IconArrowUp } from './icons';

export type Column<T> = {
  id: string;
  title: ReactNode;
  cell: (row: T) => ReactNode;
  /** What to sort by; without it the column does not sort. */
  sortBy?: (row: T) => string | number;
  align?: 'right';
  tight?: boolean;
  /** In a narrow window, where rows are cards: a line of its own without the column's name. */
  line?: boolean;
};

export type Sort = { id: string; down: boolean };

const compare = (a: string | number, b: string | number) =>
  (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));

/** Sorts rows by a column; equal rows keep their order. */
export function sorted<T>(rows: T[], columns: Array<Column<T>>, sort: Sort | null): T[] {
  const by = columns.find((column) => column.id === sort?.id)?.sortBy;
  if (!by || !sort) return rows;
  const sign = sort.down ? -1 : 1;
  return rows.map((row) => ({ row, key: by(row) })).sort((a, b) => sign * compare(a.key, b.key)).map((one) => one.row);
}

type TableProps<T> = {
  caption: string; rows: T[]; columns: Array<Column<T>>; rowKey: (row: T) => string;
  /** In a narrow window each row is a card. */
  cards?: boolean;
  sort?: Sort | null; onSort?: (sort: Sort) => void; initialSort?: Sort | null;
};

/** A table whose heads sort it. The sort is its own, unless `sort` and `onSort` keep it elsewhere (the URL). */
export function Table<T>({ caption, rows, columns, rowKey, cards, sort, onSort, initialSort = null }: TableProps<T>) {
  const [ownSort, setOwnSort] = useState<Sort | null>(initialSort);
  const current = sort === undefined ? ownSort : sort;
  const shown = useMemo(() => sorted(rows, columns, current), [rows, columns, current]);
  const click = (id: string) => {
    const next = { id, down: current?.id === id ? !current.down : false };
    if (onSort) onSort(next);
    else setOwnSort(next);
  };
  return (
    <div className={classes('table-wrap', cards && 'table-wrap-cards')} role="region" aria-label={caption} tabIndex={0}>
      {/* The roles say what a card's style would take away. */}
      <table className={classes('table', cards && 'table-cards')} role="table">
        <caption className="sr-only">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.id} scope="col" role="columnheader" className={classes(column.align === 'right' && 'cell-right', column.tight && 'cell-tight')}
                aria-sort={current?.id === column.id ? (current.down ? 'descending' : 'ascending') : undefined}>
                {column.sortBy
                  ? <button type="button" className="table-sort" onClick={() => click(column.id)}>{column.title}<IconArrowUp size={12} /></button>
                  : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column) => (
                <td key={column.id} role="cell" className={classes(column.align === 'right' && 'cell-right', column.tight && 'cell-tight')}
                  data-label={!column.line && typeof column.title === 'string' ? column.title : undefined}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
