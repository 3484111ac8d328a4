import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { raw } from '../../api/client';
import { roleReaches, type Agent } from '../../api/types';
import { useOrder } from '../../app/agent_orders';
import { mayRestart, mayStart, mayStop } from '../../app/agent_state';
import { useSession } from '../../app/guards';
import { OrderDialog } from '../../app/order_dialog';
import { Button, Dialog, IconExternal, IconPlay, IconRestart, IconStop } from '../../ui';

/** Start, stop, restart, and the way to the agent's own page. */
export function Actions({ agent }: { agent: Agent }) {
  const { user } = useSession();
  const order = useOrder(agent);
  const [asked, setAsked] = useState<'stop' | 'restart' | null>(null);
  if (!roleReaches(user.role, 'member')) return null;
  return (
    <>
      {agent.runtime === 'openclaw' && agent.status === 'running' && <OwnPage agent={agent} />}
      {mayStart(agent) && <Button variant="primary" busy={order.isPending} onClick={() => order.mutate('start')}><IconPlay />Start</Button>}
      {mayRestart(agent) && <Button onClick={() => setAsked('restart')}><IconRestart />Restart</Button>}
      {mayStop(agent) && <Button onClick={() => setAsked('stop')}><IconStop />Stop</Button>}
      <OrderDialog asked={asked && { order: asked, agents: [agent] }} onClose={() => setAsked(null)} />
    </>
  );
}

/** OpenClaw's own page lies on another host; a ticket lets this browser in, once. */
function OwnPage({ agent }: { agent: Agent }) {
  const [link, setLink] = useState<string | null>(null);
  const open = useMutation({
    mutationFn: () => raw<{ url: string }>('POST', `/api/agents/${agent.id}/page-ticket`, {}),
    onSuccess: ({ url }) => {
      const tab = window.open(url, '_blank');
      if (tab) tab.opener = null;
      else setLink(url);
    },
  });
  return (
    <>
      <Button busy={open.isPending} onClick={() => open.mutate()}><IconExternal />Open its page</Button>
      <Dialog open={link !== null} onClose={() => setLink(null)} title="Your browser kept the window shut">
        <p>Open it from here; the link works once, within a minute.</p>
        {link && <a className="button button-primary" href={link} target="_blank" rel="noopener noreferrer" onClick={() => setLink(null)}>Open {agent.name}</a>}
      </Dialog>
    </>
  );
}
