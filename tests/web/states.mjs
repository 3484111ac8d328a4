// States of pages before a played API that a picture should show: nothing there, much there, a failure,
// a dialog. `tell` fills the API, `ready` brings the page there. For screens.mjs and looks.test.mjs.

import { tellAgent, AGENT } from './agent_data.mjs';
import { tellAll } from './coming_data.mjs';
import { agentOf, deploymentOf, manyAgents } from './many_agents.mjs';
import { pageOf, problem } from './played.mjs';

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const text = (words) => (page) => page.locator('main, dialog[open]').getByText(words).filter({ visible: true }).first().waitFor();
const press = (name) => async (page) => { await page.getByRole('button', { name }).first().click(); await page.getByRole('dialog').waitFor(); };
const agents = (list) => (played) => played.on('GET', '/api/agents', ({ query }) => pageOf(list, query, 200));
const agent = (change = () => undefined) => (played) => change(tellAgent(played), played);

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
const tellApprovals = (played) => {
  tellAgent(played);
  const waiting = [approval(1)];
  const past = [approval(2, { state: 'used', decidedAt: ago(2), usedAt: ago(2), decidedBy: { id: AGENT, email: 'owner@example.com' } }), approval(3, { state: 'denied', decidedAt: ago(1), decidedBy: { id: AGENT, email: null } })];
  played.on('GET', '/api/approvals', ({ query }) => ({ ...pageOf(query.state === 'pending' ? waiting : [...waiting, ...past], query), pending: 1 }));
};
const records = ['deployment_live', 'email_read', 'api_call', 'email_sent'].map((actionType, index) => ({
  seq: 40 - index, createdAt: ago(index * 9), agentId: AGENT, actor: { type: 'agent', id: AGENT }, actionType, ip: null,
  target: index ? ['gmail.googleapis.com/messages/18c2f0', 'paste.example.net:443', 'to billing@harbor.example'][index - 1] : '00000000-0000-4000-9000-000000000001',
  outcome: index === 2 ? 'denied' : 'success', metadata: index === 2 ? { reason: 'the domain is not among the agent\'s allowed domains' } : {},
}));
const tellAudit = (played) => { tellAgent(played); played.on('GET', '/api/audit', ({ query }) => pageOf(records, query)); };
const failing = (state) => {
  state.elsewhere({ status: 'error', statusReason: 'It ended with exit code 1.', deployment: { ...state.agent.deployment, state: 'failed', reason: 'the agent exited with code 1 before it was ready', exitCode: 1, lastOutput: 'cannot open the mailbox' } });
  Object.assign(state.health, { status: 'unhealthy', statusReason: 'It ended with exit code 137.', restarts: 4, lastExitCode: 137, nextRetryAt: ago(-2), checks: [{ name: 'live', status: 'pass', detail: '/healthz answered 200', at: ago(0) }, { name: 'ready', status: 'fail', detail: '/readyz answered 503', at: ago(0) }] });
};
const tab = (name) => `/agents/${AGENT}${name && `/${name}`}`;

export const states = [
  { name: 'agents-empty', path: '/agents', tell: agents([]), ready: text(/Deploy/) },
  { name: 'agents-many', path: '/agents', tell: agents(manyAgents(24)), ready: text('agent 10') },
  { name: 'agents-chosen', path: '/agents', tell: agents(manyAgents(24)), ready: async (page) => { await page.getByLabel('Select agent 1', { exact: true }).check(); await page.getByLabel('Select agent 2', { exact: true }).check(); await text(/2 (agents )?(chosen|selected)/)(page); } },
  { name: 'agents-failed', path: '/agents', tell: (played) => played.on('GET', '/api/agents', problem(503, 'unavailable', 'The database is away.')), ready: (page) => page.getByRole('alert').first().waitFor() },
  { name: 'agents-long-names', path: '/agents', tell: agents([agentOf(3, { name: 'The assistant that reads every incoming invoice and files it', deployment: deploymentOf('failed') }), agentOf(1)]), ready: text('agent 1') },
  { name: 'palette', path: '/agents', tell: agents(manyAgents(4)), ready: async (page) => { await text('agent 1')(page); await page.keyboard.press('Control+k'); await page.getByRole('dialog').waitFor(); } },
  { name: 'account-menu', path: '/agents', tell: agents(manyAgents(4)), ready: async (page) => {
    await text('agent 1')(page);
    const drawer = page.getByRole('button', { name: /navigation|menu/i }).first();
    if (await drawer.isVisible()) await drawer.click();
    await page.getByRole('button', { name: 'Account' }).click();
  } },
  { name: 'agent-healthy', path: tab(''), tell: agent((state) => { state.health.checks = [{ name: 'live', status: 'pass', detail: '/healthz answered 200', at: ago(0) }, { name: 'ready', status: 'pass', detail: '/readyz answered 200', at: ago(0) }]; }), ready: text('Process answers') },
  { name: 'agent-failing', path: tab(''), tell: agent(failing), ready: text('It does not run') },
  { name: 'agent-not-found', path: '/agents/00000000-0000-4000-8000-00000000dead', tell: (played) => tellAll(played), ready: (page) => page.getByRole('heading', { level: 1 }).or(page.getByRole('alert')).first().waitFor() },
  { name: 'deploy-failed', path: `${tab('deploying')}`, tell: agent(failing), ready: text('It could not be deployed') },
  { name: 'deploy-running', path: `${tab('deploying')}`, tell: agent((state) => state.elsewhere({ status: 'provisioning', deployment: { ...state.agent.deployment, state: 'starting', createdAt: ago(0.1), endedAt: null, steps: [{ name: 'image', startedAt: ago(0.1), endedAt: ago(0.05), detail: null }, { name: 'volume', startedAt: ago(0.05), endedAt: null, detail: null }] } })), ready: text('Find the image') },
  { name: 'step-up', path: tab('permissions'), tell: agent((state, played) => { played.session.fresh = false; }), ready: async (page, played) => {
    await page.getByRole('checkbox', { name: 'Read calendars' }).check();
    await page.getByRole('button', { name: 'Review and save' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /Save/ }).click();
    await page.getByRole('dialog', { name: 'Confirm it is you' }).waitFor();
    played.session.fresh = true;
  } },
  { name: 'permissions-review', path: tab('permissions'), tell: agent(), ready: async (page) => { await page.getByRole('checkbox', { name: 'Read calendars' }).check(); await press('Review and save')(page); } },
  { name: 'delete-dialog', path: tab('settings'), tell: agent(), ready: press('Delete…') },
  { name: 'approvals-waiting', path: '/approvals', tell: tellApprovals, ready: text('Invoice 4711') },
  { name: 'approvals-history', path: '/approvals?tab=history', tell: tellApprovals, ready: text('Inbox assistant') },
  { name: 'audit-open', path: '/audit', tell: tellAudit, ready: async (page) => { await page.locator('.entry-line').nth(2).click(); await text('The record')(page); } },
  { name: 'audit-verify', path: '/audit', tell: tellAudit, ready: async (page) => { await text('paste.example.net')(page); await press('Verify')(page); } },
  { name: 'audit-nothing', path: '/audit?q=nothing', tell: (played) => tellAgent(played), ready: (page) => page.locator('.empty, .empty-state').first().waitFor() },
  { name: 'suspend-dialog', path: '/operator/clients/00000000-0000-4000-8004-000000000003', tell: tellAll, ready: press('Suspend…') },
];

/** A window in which a page is in `state`. */
export async function openState(played, state, options) {
  played.reset();
  await state.tell(played);
  const page = await played.open(state.path, options);
  await state.ready(page, played);
  return page;
}
