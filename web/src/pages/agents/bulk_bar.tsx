import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Agent } from '../../api/types';
import { mayRestart, mayStart, mayStop } from '../../app/agent_state';
import { giveOrders, type BulkResult, type Order } from '../../app/agent_orders';
import { Button, ConfirmDialog, Dialog, IconPlay, IconRestart, IconStop, toast } from '../../ui';
import { listOf } from '../../ui/format';

const ORDERS: Array<{ order: Order; title: string; icon: typeof IconPlay; fits: (agent: Agent) => boolean }> = [
  { order: 'start', title: 'Start', icon: IconPlay, fits: mayStart },
  { order: 'restart', title: 'Restart', icon: IconRestart, fits: mayRestart },
  { order: 'stop', title: 'Stop', icon: IconStop, fits: mayStop },
];
const DONE: Record<Order, string> = { start: 'started', stop: 'stopped', restart: 'restarted' };
const LOSES: Record<Order, string> = {
  start: 'They are deployed again and answer once they are ready.',
  restart: 'They do not answer until they are ready again, and what they are doing now is cut off. Their files stay.',
  stop: 'They do not answer until somebody starts them, and what they are doing now is cut off. Their files stay.',
};
const agentsText = (number: number) => `${number} ${number === 1 ? 'agent' : 'agents'}`;

/** What can be done with the selected agents. */
export function BulkBar({ agents, onClear }: { agents: Agent[]; onClear: () => void }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<{ order: Order; agents: Agent[] } | null>(null);
  const [progress, setProgress] = useState<number | null>(null);
  const [failed, setFailed] = useState<BulkResult['failed']>([]);

  async function run() {
    if (!asked) return;
    setProgress(0);
    try {
      const result = await giveOrders(asked.agents, asked.order, setProgress);
      if (result.done.length > 0) toast.good(`${agentsText(result.done.length)} ${DONE[asked.order]}.`);
      setFailed(result.failed);
      if (result.failed.length === 0) onClear();
    } finally {
      setProgress(null);
      void queries.invalidateQueries({ queryKey: ['agents'] });
    }
  }

  return (
    <>
      {agents.length > 0 && (
        <div className="bulk" role="toolbar" aria-label="Selected agents">
          <span className="num" aria-live="polite">{agentsText(agents.length)} selected</span>
          <div className="row-wrap">
            {ORDERS.map(({ order, title, icon: Icon, fits }) => {
              const fitting = agents.filter(fits);
              return (
                <Button key={order} size="small" disabled={fitting.length === 0} onClick={() => setAsked({ order, agents: fitting })}>
                  <Icon size={14} />{title}{fitting.length !== agents.length && fitting.length > 0 ? ` ${fitting.length}` : ''}
                </Button>
              );
            })}
            <Button size="small" variant="ghost" onClick={onClear}>Clear</Button>
          </div>
        </div>
      )}
      {asked && (
        <ConfirmDialog open onClose={() => setAsked(null)} title={`${ORDERS.find((one) => one.order === asked.order)?.title} ${agentsText(asked.agents.length)}?`}
          action={ORDERS.find((one) => one.order === asked.order)?.title ?? 'Go'} danger={asked.order === 'stop'} onConfirm={run}>
          <p className="wrap-anywhere">{namesText(asked.agents)}</p>
          <p className="muted">{LOSES[asked.order]}</p>
          {progress !== null && <p role="status" className="num">{progress} of {asked.agents.length}</p>}
        </ConfirmDialog>
      )}
      <Dialog open={failed.length > 0} onClose={() => setFailed([])} title={`${agentsText(failed.length)} refused`}>
        <ul className="stack-2">
          {failed.map(({ agent, problem }) => <li key={agent.id} className="wrap-anywhere"><strong>{agent.name}</strong>: {problem.detail}</li>)}
        </ul>
        <p className="muted">The others were done. Select these again to retry.</p>
        <div className="dialog-actions"><Button variant="primary" onClick={() => setFailed([])}>Close</Button></div>
      </Dialog>
    </>
  );
}

const namesText = (agents: Agent[]) => (agents.length <= 8 ? listOf(agents.map((agent) => agent.name)) : listOf([...agents.slice(0, 6).map((agent) => agent.name), `${agents.length - 6} more`]));
