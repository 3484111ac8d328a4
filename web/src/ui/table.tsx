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
  sort?: Sort | null; onSort?: (sort: Sort) => void; initialSort?: Sort | null;
};

/** A table whose heads sort it. The sort is its own, unless `sort` and `onSort` keep it elsewhere (the URL). */
export function Table<T>({ caption, rows, columns, rowKey, sort, onSort, initialSort = null }: TableProps<T>) {
  const [ownSort, setOwnSort] = useState<Sort | null>(initialSort);
  const current = sort === undefined ? ownSort : sort;
  const shown = useMemo(() => sorted(rows, columns, current), [rows, columns, current]);
  const click = (id: string) => {
    const next = { id, down: current?.id === id ? !current.down : false };
    if (onSort) onSort(next);
    else setOwnSort(next);
  };
  return (
    <div className="table-wrap" role="region" aria-label={caption} tabIndex={0}>
      <table className="table">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.id} scope="col" className={classes(column.align === 'right' && 'cell-right', column.tight && 'cell-tight')}
                aria-sort={current?.id === column.id ? (current.down ? 'descending' : 'ascending') : undefined}>
                {column.sortBy
                  ? <button type="button" className="table-sort" onClick={() => click(column.id)}>{column.title}<IconArrowUp size={12} /></button>
                  : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td key={column.id} className={classes(column.align === 'right' && 'cell-right', column.tight && 'cell-tight')}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
