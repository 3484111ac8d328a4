import { useEffect, useRef, useState } from 'react';
import type { Agent } from '../../api/types';
import { ORDER_WORDS, ORDERS, type Order } from '../../app/agent_orders';
import { agentsText, OrderDialog, type Asked } from '../../app/order_dialog';
import { Button, IconPlay, IconRestart, IconStop } from '../../ui';

const ICONS: Record<Order, typeof IconPlay> = { start: IconPlay, restart: IconRestart, stop: IconStop };

/** What can be done with the selected agents. It floats, so that choosing moves nothing in the list. */
export function BulkBar({ agents, onSelect }: { agents: Agent[]; onSelect: (agents: Agent[]) => void }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  // When the bar goes away with the focus on it, that returns to where choosing begins.
  const there = agents.length > 0 || asked !== null;
  const wasThere = useRef(there);
  useEffect(() => {
    const gone = wasThere.current && !there;
    wasThere.current = there;
    const at = document.activeElement;
    // A dialog that closed just before has given it to the page's heading.
    if (gone && (at === document.body || at?.tagName === 'H1')) document.getElementById('select-all-agents')?.focus({ preventScroll: true });
  }, [there]);
  return (
    <>
      <p className="sr-only" role="status">{agents.length > 0 ? `${agentsText(agents.length)} selected` : ''}</p>
      {agents.length > 0 && (
        <div className="bulk" role="toolbar" aria-label="Selected agents">
          <span className="num bulk-count">{agentsText(agents.length)} selected</span>
          {ORDERS.map((order) => {
            const { title, fits } = ORDER_WORDS[order];
            const fitting = agents.filter(fits);
            const Icon = ICONS[order];
            return (
              <Button key={order} size="small" disabled={fitting.length === 0} onClick={() => setAsked({ order, agents: fitting })}>
                <Icon size={14} />{title}{fitting.length !== agents.length && fitting.length > 0 ? ` ${fitting.length}` : ''}
              </Button>
            );
          })}
          <Button size="small" variant="ghost" onClick={() => onSelect([])}>Clear</Button>
        </div>
      )}
      <OrderDialog asked={asked} onClose={() => setAsked(null)}
        onDone={({ failed, untried }) => onSelect([...failed.map(({ agent }) => agent), ...untried])} />
    </>
  );
}
