import { memo } from 'react';
import { Link } from 'wouter';
import { Badge, IconArrowUp, Status, Time, classes } from '../../ui';
import { bytes, count, usd } from '../../ui/format';
import type { ColumnId, Row, Sort } from './rows';

const TITLES: Record<ColumnId, string> = { name: 'Agent', state: 'Status', cpu: 'CPU', memory: 'Memory', spend: 'Spend today', last: 'Last action', restarts: 'Restarts' };
const RIGHT: ReadonlySet<ColumnId> = new Set(['cpu', 'memory', 'restarts']);

type Props = {
  rows: Row[]; columns: ColumnId[]; sort: Sort; onSort: (sort: Sort) => void;
  selected: ReadonlySet<string>; onSelect: (id: string, on: boolean) => void; onSelectAll: (on: boolean) => void; selectable: boolean;
};

export function AgentsTable({ rows, columns, sort, onSort, selected, onSelect, onSelectAll, selectable }: Props) {
  const all = rows.length > 0 && rows.every((row) => selected.has(row.agent.id));
  const some = !all && rows.some((row) => selected.has(row.agent.id));
  // Numbers are looked at from the top first.
  const click = (id: ColumnId) => onSort({ id, down: sort.id === id ? !sort.down : id !== 'name' && id !== 'state' });
  return (
    <div className="table-wrap agents-wrap" role="region" aria-label="Agents" tabIndex={0}>
      <table className="table agents">
        <caption className="sr-only">Agents</caption>
        <thead>
          <tr>
            {selectable && (
              <th scope="col" className="cell-tight">
                <input type="checkbox" aria-label="Select all" checked={all} ref={(box) => { if (box) box.indeterminate = some; }} onChange={(event) => onSelectAll(event.target.checked)} />
              </th>
            )}
            {columns.map((id) => (
              <th key={id} scope="col" className={classes(RIGHT.has(id) && 'cell-right')} aria-sort={sort.id === id ? (sort.down ? 'descending' : 'ascending') : undefined}>
                <button type="button" className="table-sort" onClick={() => click(id)}>{TITLES[id]}<IconArrowUp size={12} /></button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <AgentRow key={row.agent.id} row={row} columns={columns} selected={selected.has(row.agent.id)} onSelect={selectable ? onSelect : null} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

type RowProps = { row: Row; columns: ColumnId[]; selected: boolean; onSelect: ((id: string, on: boolean) => void) | null };

// Sorting only moves rows: a row is drawn again when it itself changed.
const AgentRow = memo(function AgentRow({ row, columns, selected, onSelect }: RowProps) {
  const { agent } = row;
  return (
    <tr data-selected={selected || undefined}>
      {onSelect && (
        <td className="cell-tight agents-check">
          <input type="checkbox" aria-label={`Select ${agent.name}`} checked={selected} onChange={(event) => onSelect(agent.id, event.target.checked)} />
        </td>
      )}
      {columns.map((id) => (
        <td key={id} className={classes(RIGHT.has(id) && 'cell-right', `agents-cell-${id}`)} data-label={TITLES[id]}>{cell(row, id)}</td>
      ))}
    </tr>
  );
}, (a, b) => a.selected === b.selected && a.columns === b.columns && a.onSelect === b.onSelect && same(a.row, b.row));

function same(a: Row, b: Row): boolean {
  return a.agent === b.agent && a.lastAt === b.lastAt && a.restarts === b.restarts && a.lastAction === b.lastAction;
}

const NONE = <span className="muted" aria-label="not known">–</span>;

function cell(row: Row, id: ColumnId) {
  const { agent, state } = row;
  switch (id) {
    case 'name':
      return (
        <div className="agents-title">
          <Link href={`/agents/${agent.id}`} className="agents-link">{agent.name}</Link>
          <span className="muted small">{agent.runtime} {agent.runtimeVersion}</span>
        </div>
      );
    case 'state':
      return (
        <div className="agents-status">
          <Status tone={state.tone}>{state.word}</Status>
          {state.reason && <span className="muted small agents-reason" title={state.reason}>{state.reason}</span>}
        </div>
      );
    case 'cpu':
      return row.cpu === null ? NONE : <span title={`of ${agent.resources.cpus} cores`}>{(row.cpu * 100).toFixed(row.cpu < 0.1 ? 1 : 0)} %</span>;
    case 'memory':
      return row.memory === null ? NONE : <span title={`of ${bytes(agent.resources.memoryMb * 1048576)}`}>{bytes(row.memory)}</span>;
    case 'spend':
      return <Spend spent={row.spent} cap={row.cap} />;
    case 'last':
      return row.lastAt === null ? NONE : <div className="agents-last"><span className="truncate">{row.lastAction}</span><span className="muted small"><Time at={row.lastAt} /></span></div>;
    case 'restarts':
      return row.restarts === null ? NONE : row.restarts > 0 ? <Badge tone="warn">{count(row.restarts)}</Badge> : '0';
  }
}

function Spend({ spent, cap }: { spent: number | null; cap: number | null }) {
  if (spent === null) return cap === null ? NONE : <span className="muted">cap {usd(cap)}</span>;
  const share = cap ? Math.min(1, spent / cap) : 0;
  return (
    <div className="agents-spend">
      <span>{usd(spent)}<span className="muted small">{cap === null ? '' : ` of ${usd(cap)}`}{share >= 1 ? ', reached' : ''}</span></span>
      {cap !== null && cap > 0 && <progress className="bar" max={1} value={share} data-full={share >= 0.9 || undefined} aria-label={`${Math.round(share * 100)} % of the cap`} />}
    </div>
  );
}
