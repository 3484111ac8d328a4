import { memo, type ReactNode } from 'react';
import { Link } from 'wouter';
import { Badge, Status, Time, classes } from '../../ui';
import { bytes, count, usd } from '../../ui/format';
import type { ColumnId, Row } from './rows';

export const TITLES: Record<ColumnId, string> = { name: 'Agent', state: 'Status', cpu: 'CPU', memory: 'Memory', spend: 'Spend today', last: 'Last action', restarts: 'Restarts' };
export const RIGHT: ReadonlySet<ColumnId> = new Set(['cpu', 'memory', 'restarts']);

type Props = { row: Row; index: number; columns: ColumnId[]; selected: boolean; onSelect: ((id: string, on: boolean) => void) | null };

/** One agent; another one later, see slots.ts. It is drawn again only when the agent has changed, or its place in the order. */
export const AgentRow = memo(function AgentRow({ row, index, columns, selected, onSelect }: Props) {
  const { agent } = row;
  return (
    // The heads are the first row of the table. The roles are said because a narrow window lays rows out as cards.
    <tr role="row" className="agents-row" data-id={agent.id} data-selected={selected || undefined} aria-rowindex={index + 2}>
      {onSelect && (
        <td role="cell" className="agents-check">
          <label className="agents-tick">
            <input type="checkbox" aria-label={`Select ${agent.name}`} checked={selected} onChange={(event) => onSelect(agent.id, event.target.checked)} />
          </label>
        </td>
      )}
      {columns.map((id) => (
        <td key={id} role="cell" className={classes(RIGHT.has(id) && 'cell-right', `agents-${id}`)} data-label={TITLES[id]}>{cell(row, id)}</td>
      ))}
    </tr>
  );
}, (a, b) => a.selected === b.selected && a.index === b.index && a.columns === b.columns && a.onSelect === b.onSelect && a.row.agent === b.row.agent);

const NONE = <span className="muted" aria-label="not known">–</span>;

function cell(row: Row, id: ColumnId): ReactNode {
  const { agent, state } = row;
  switch (id) {
    case 'name':
      return (
        <>
          <Link href={`/agents/${agent.id}`} className="agents-link truncate" title={agent.name}>{agent.name}</Link>
          <span className="muted small truncate">{agent.runtime} {agent.runtimeVersion}</span>
        </>
      );
    case 'state':
      return (
        <>
          <Status tone={state.tone}>{state.word}</Status>
          {state.reason && <span className="muted small agents-reason" title={state.reason}>{state.reason}</span>}
        </>
      );
    case 'cpu':
      return row.cpu === null ? NONE : <span title={`of ${agent.resources.cpus * 100} %`}>{row.cpu.toFixed(row.cpu < 10 ? 1 : 0)} %</span>;
    case 'memory':
      return row.memory === null ? NONE : <span title={`of ${bytes(row.memoryLimit)}`}>{bytes(row.memory)}</span>;
    case 'spend':
      return <Spend spent={row.spent} cap={row.cap} />;
    case 'last':
      return row.lastAt === null ? NONE : <><span className="truncate" title={row.lastAction ?? undefined}>{row.lastAction}</span><span className="muted small truncate"><Time at={row.lastAt} /></span></>;
    case 'restarts':
      return row.restarts > 0 ? <Badge tone="warn">{count(row.restarts)}</Badge> : '0';
  }
}

function Spend({ spent, cap }: { spent: number; cap: number }) {
  const share = cap > 0 ? Math.min(1, spent / cap) : 0;
  return (
    <>
      <span className="truncate">{usd(spent)}<span className="muted small">{` of ${usd(cap)}`}{spent >= cap && cap > 0 ? ', reached' : ''}</span></span>
      {cap > 0 && <progress className="bar" max={1} value={share} data-full={share >= 0.9 || undefined} aria-label={`${Math.round(share * 100)} % of the cap`} />}
    </>
  );
}
