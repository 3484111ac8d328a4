// A played server's approvals, with one request that waits and two that were decided. For tests and pictures.

import { ago, AGENT, tellAgent } from './agent_data.mjs';
import { pageOf } from './played.mjs';

function approval(number, more = {}) {
  return {
    id: `00000000-0000-4000-8000-00000000b00${number}`, agentId: AGENT, agentName: 'Inbox assistant', scope: 'email:send', target: 'to billing@harbor.example', digest: 'a3'.repeat(32), state: 'pending',
    createdAt: ago(3 + number), expiresAt: ago(-57), decidedAt: null, decidedBy: null, usedAt: null, requestBytes: 1320,
    request: {
      request: { method: 'POST', url: 'https://gmail.googleapis.com/gmail/v1/users/me/messages/send', headers: [['content-type', 'application/json']], body: { encoding: 'text', content: '{"raw":"RnJvbTogaW5ib3hAZXhhbXBsZS5jb20"}', bytes: 38 } },
      message: { kind: 'email', from: 'inbox@example.com', recipients: [{ role: 'to', address: 'billing@harbor.example' }], subject: 'Invoice 4711', text: 'Hello,\n\nthank you for the invoice. We pay it on Friday.\n\nAnna', html: '', attachments: [{ name: 'invoice-4711.pdf', type: 'application/pdf', bytes: 48_211 }] },
      warnings: number === 1 ? ['The recipient was never written to before.'] : [],
    }, ...more,
  };
}
export function tellApprovals(played) {
  tellAgent(played);
  const waiting = [approval(1)];
  const past = [approval(2, { state: 'used', decidedAt: ago(2), usedAt: ago(2), decidedBy: { id: AGENT, email: 'owner@example.com' } }), approval(3, { state: 'denied', decidedAt: ago(1), decidedBy: { id: AGENT, email: null } })];
  const waits = () => waiting.filter(({ state }) => state === 'pending');
  const find = ({ approval: id }) => [...waiting, ...past].find((one) => one.id === id);
  const decide = (state) => ({ params }) => ({ approval: Object.assign(find(params), { state, decidedAt: ago(0), decidedBy: { id: AGENT, email: 'owner@example.com' } }) });
  played.on('GET', '/api/approvals', ({ query }) => ({ ...pageOf(query.state === 'pending' ? waits() : [...waiting, ...past], query), pending: waits().length }));
  played.on('GET', '/api/agents/:id/approvals/:approval', ({ params }) => ({ approval: find(params) }));
  played.on('POST', '/api/agents/:id/approvals/:approval/grant', decide('granted'), { fresh: true });
  played.on('POST', '/api/agents/:id/approvals/:approval/deny', decide('denied'));
  return { waiting };
}
