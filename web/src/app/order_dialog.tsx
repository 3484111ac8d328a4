import { useQueryClient } from '@tanstack/react-query';
import { useLayoutEffect, useRef, useState } from 'react';
import type { Agent } from '../api/types';
import { Button } from '../ui/button';
import { ConfirmDialog, Dialog } from '../ui/dialog';
import { listOf } from '../ui/format';
import { toast } from '../ui/toast';
import { giveOrders, ORDER_WORDS, type BulkResult, type Order } from './agent_orders';

/** An order that somebody wants to give; never to nobody. */
export type Asked = { order: Order; agents: Agent[] };

const ONE: Record<Order, string> = {
  start: 'It is deployed again and answers once it is ready.',
  restart: 'It does not answer until it is ready again, and what it is doing now is cut off. Its files stay.',
  stop: 'It does not answer until somebody starts it, and what it is doing now is cut off. Its files and credentials stay.',
};
const MANY: Record<Order, string> = {
  start: 'They are deployed again and answer once they are ready.',
  restart: 'They do not answer until they are ready again, and what they are doing now is cut off. Their files stay.',
  stop: 'They do not answer until somebody starts them, and what they are doing now is cut off. Their files and credentials stay.',
};

export const agentsText = (number: number): string => `${number} ${number === 1 ? 'agent' : 'agents'}`;
const namesText = (agents: Agent[]) => (agents.length <= 8
  ? listOf(agents.map((agent) => agent.name))
  : listOf([...agents.slice(0, 6).map((agent) => agent.name), `${agents.length - 6} more`]));

type Told = { order: Order; result: BulkResult };
type Props = { asked: Asked | null; onClose: () => void; onDone?: (result: BulkResult) => void };

/** Asks before an order is given to one agent or many, gives it, and tells for whom it did not work. */
export function OrderDialog({ asked, onClose, onDone }: Props) {
  const [told, setTold] = useState<Told | null>(null);
  const waiting = useRef<Told | null>(null);
  // One dialog after the other: the second gives the focus back to where the first had it from.
  const close = () => {
    onClose();
    setTold(waiting.current);
    waiting.current = null;
  };
  return (
    <>
      {asked && (
        <Confirmation asked={asked} onClose={close} onResult={(result, closed) => {
          const partly = result.failed.length + result.untried.length > 0 ? { order: asked.order, result } : null;
          if (closed) setTold(partly);
          else waiting.current = partly;
          onDone?.(result);
        }} />
      )}
      {told && <ResultDialog {...told} onClose={() => setTold(null)} />}
    </>
  );
}

function Confirmation({ asked: { order, agents }, onClose, onResult }: { asked: Asked; onClose: () => void; onResult: (result: BulkResult, closed: boolean) => void }) {
  const queries = useQueryClient();
  const [progress, setProgress] = useState<number | null>(null);
  const stop = useRef(new AbortController());
  // Closing it while it works leaves out those whose turn has not come, from that moment: not after the next paint.
  useLayoutEffect(() => {
    stop.current = new AbortController();
    return () => stop.current.abort();
  }, []);
  const { title, now, done } = ORDER_WORDS[order];
  const [first] = agents;
  const single = agents.length === 1 ? first : undefined;

  async function run() {
    setProgress(0);
    try {
      const result = await giveOrders(agents, order, setProgress, stop.current.signal);
      const refused = result.failed[0]?.problem;
      if (single && refused) throw refused;
      if (result.done.length > 0) toast.good(single ? `${single.name} ${now}.` : `${agentsText(result.done.length)} ${done}.`);
      onResult(result, stop.current.signal.aborted);
    } finally {
      setProgress(null);
      void queries.invalidateQueries({ queryKey: ['agents'] });
      void queries.invalidateQueries({ queryKey: ['agent'] });
    }
  }

  return (
    <ConfirmDialog open onClose={onClose} title={`${title} ${single ? single.name : agentsText(agents.length)}?`} action={title} danger={order === 'stop'} onConfirm={run}>
      {!single && <p className="wrap-anywhere">{namesText(agents)}</p>}
      <p className={single ? undefined : 'muted'}>{single ? ONE[order] : MANY[order]}</p>
      {progress !== null && !single && (
        <p role="status" className="num">{progress} of {agents.length}<progress className="bar" max={agents.length} value={progress} aria-hidden="true" /></p>
      )}
    </ConfirmDialog>
  );
}

function ResultDialog({ order, result: { done, failed, untried }, onClose }: Told & { onClose: () => void }) {
  const all = done.length + failed.length + untried.length;
  return (
    <Dialog open onClose={onClose} title={`${done.length} of ${agentsText(all)} ${ORDER_WORDS[order].done}`}>
      {failed.length > 0 && (
        <ul className="stack-2" aria-label="Refused">
          {failed.map(({ agent, problem }) => <li key={agent.id} className="wrap-anywhere"><strong>{agent.name}</strong>: {problem.detail}</li>)}
        </ul>
      )}
      {untried.length > 0 && <p className="wrap-anywhere">Not tried: {namesText(untried)}.</p>}
      <p className="muted">These stay selected, so that you can try again.</p>
      <div className="dialog-actions"><Button variant="primary" onClick={onClose}>Close</Button></div>
    </Dialog>
  );
}
