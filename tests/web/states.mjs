// States of pages before a played API that a picture should show: nothing there, much there, a failure,
// a dialog. `tell` fills the API, `ready` brings the page there. For screens.mjs and looks.test.mjs.

import { ago, AGENT, tellAgent } from './agent_data.mjs';
import { tellApprovals } from './approval_data.mjs';
import { chainOf, tellExport } from './audit_data.mjs';
import { tellAll, tellBilling } from './coming_data.mjs';
import { agentOf, deploymentOf, manyAgents } from './many_agents.mjs';
import { dayOfMetrics } from './metrics_data.mjs';
import { pageOf, problem } from './played.mjs';

const text = (words) => (page) => page.locator('main, dialog[open]').getByText(words).filter({ visible: true }).first().waitFor();
const press = (name) => async (page) => { await page.getByRole('button', { name }).first().click(); await page.getByRole('dialog').waitFor(); };
const agents = (list) => (played) => played.on('GET', '/api/agents', ({ query }) => pageOf(list, query, 200));
const agent = (change = () => undefined) => (played) => change(tellAgent(played), played);

const records = ['deployment_live', 'email_read', 'api_call', 'email_sent'].map((actionType, index) => ({
  seq: 40 - index, createdAt: ago(index * 9), agentId: AGENT, actor: { type: 'agent', id: AGENT }, actionType, ip: null,
  target: index ? ['gmail.googleapis.com/messages/18c2f0', 'paste.example.net:443', 'to billing@harbor.example'][index - 1] : '00000000-0000-4000-9000-000000000001',
  outcome: index === 2 ? 'denied' : 'success', metadata: index === 2 ? { reason: 'the domain is not among the agent\'s allowed domains' } : {},
}));
const tellAudit = (played) => { tellAgent(played); played.on('GET', '/api/audit', ({ query }) => pageOf(records, query)); };
const failing = (state) => {
  state.elsewhere({ status: 'error', statusReason: 'It ended with exit code 1.', deployment: { ...state.agent.deployment, state: 'failed', reason: 'the agent exited with code 1 before it was ready', exitCode: 1, steps: ['image', 'volume', 'config', 'create', 'start'].map((name, index) => ({ name, startedAt: ago(10 - index / 30), endedAt: ago(10 - (index + 1) / 30), detail: null })), lastOutput: 'cannot open the mailbox' } });
  Object.assign(state.health, { status: 'unhealthy', statusReason: 'It ended with exit code 137.', restarts: 4, lastExitCode: 137, nextRetryAt: ago(-2), checks: [{ name: 'live', status: 'pass', detail: '/healthz answered 200', at: ago(0) }, { name: 'ready', status: 'fail', detail: '/readyz answered 503', at: ago(0) }] });
};
// The log as it was exported; `altered`: somebody has changed a record in the database since.
const tellChain = (altered) => (played) => {
  tellAudit(played);
  const log = chainOf(1284);
  if (altered) log[910].target = 'to somebody-else@example.com';
  tellExport(played, log);
};
const verified = (words) => async (page) => {
  await text('paste.example.net')(page);
  await press('Verify')(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Verify' }).click();
  await text(words)(page);
};
const tellMetrics = agent((state, played) => { state.elsewhere({ resources: { cpus: 2, memoryMb: 2048 } }); played.on('GET', '/api/agents/:id/metrics', dayOfMetrics()); });

const tellBill = (change) => (played) => change(tellBilling(played), played);
const chooseScale = async (page) => {
  await page.getByRole('button', { name: 'Choose Scale' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Go to payment' }).click();
  await page.getByRole('dialog').getByRole('alert').waitFor();
};

// The wizard with what it offers where the operator has built every runtime.
const SIZE = { cpus: 2, memoryMb: 2048, diskMb: 2048, pids: 256 };
const runtimeOf = (name, title, version, size) => ({ name, title, version, testOnly: false, configKeys: ['*'], images: [], readyWithinSeconds: 180, resources: { default: size, least: size, most: size } });
function tellWizard(played) {
  played.on('GET', '/api/runtimes', { items: [runtimeOf('openclaw', 'OpenClaw', '2026.9.6', SIZE), runtimeOf('picoclaw', 'PicoClaw', '1.4.0', { ...SIZE, cpus: 0.5, memoryMb: 128 })] });
  played.on('GET', '/api/credential-kinds', { items: ['openai', 'anthropic', 'gemini', 'openrouter', 'mistral', 'groq', 'xai', 'deepseek', 'telegram', 'slack', 'slack-app', 'discord'].map((name) => ({ name, title: name, hosts: [], hostsRequired: false, renewable: false })), nextCursor: null });
}
// Through the wizard up to this step (1 to 6), with what is wrong then done there.
const wizard = (upTo, wrong) => async (page) => {
  const next = page.getByRole('button', { name: /Continue|Deploy agent/ });
  const ahead = [
    () => page.getByLabel('Name', { exact: true }).fill('Inbox assistant'), () => page.getByLabel('OpenAI API key').fill('sk-test-abcdefghijklmnopqrstuvwxyz0123'),
    () => page.getByRole('radio', { name: 'Telegram', exact: true }).check().then(() => page.getByLabel('Telegram: bot token').fill('7123456789:AArealTelegramToken_abcdefghijklmnop')), () => undefined, () => undefined,
  ];
  for (const step of ahead.slice(0, upTo - 1)) { await step(); await next.click(); }
  await wrong(page, next);
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
  { name: 'deploy-running', path: `${tab('deploying')}`, tell: agent((state) => state.elsewhere({ status: 'provisioning', deployment: { ...state.agent.deployment, state: 'starting', createdAt: ago(0.1), endedAt: null, steps: [{ name: 'image', startedAt: ago(0.1), endedAt: ago(0.05), detail: null }, { name: 'volume', startedAt: ago(0.05), endedAt: null, detail: null }] } })), ready: text('Fetch its program') },
  { name: 'deploy-live', path: `${tab('deploying')}?first`, tell: agent((state) => { state.agent.runtime = 'openclaw'; }), ready: text('Talk to it on its own page') },
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
  { name: 'audit-verified', path: '/audit', tell: tellChain(false), ready: verified('The log is whole') },
  { name: 'audit-altered', path: '/audit', tell: tellChain(true), ready: verified('The log was changed') },
  { name: 'agent-metrics', path: `${tab('metrics')}?range=24h`, tell: tellMetrics, ready: (page) => page.waitForFunction(() => document.querySelectorAll('.chart canvas').length === 5, null, { timeout: 45_000 }) },
  { name: 'agent-metrics-failed', path: tab('metrics'), tell: agent((state, played) => played.on('GET', '/api/agents/:id/metrics', problem(503, 'unavailable', 'The database is away.'))), ready: text('could not be loaded') },
  { name: 'billing-unpaid', path: '/billing', tell: tellBill(({ billing }) => { billing.status = 'past_due'; }), ready: text('The last payment failed') },
  { name: 'billing-failed', path: '/billing', tell: tellBill((_, played) => played.on('GET', '/api/billing', problem(503, 'unavailable', 'The database is away.'))), ready: text('Billing could not be loaded') },
  { name: 'billing-checkout-failed', path: '/billing', tell: tellBill((_, played) => played.on('POST', '/api/billing/checkout', problem(502, 'upstream', 'The payment service does not answer.'))), ready: chooseScale },
  { name: 'deploy-no-name', path: '/agents/new', tell: tellWizard, ready: wizard(1, async (page, next) => { await next.click(); await text('Give it a name.')(page); }) },
  { name: 'deploy-name-taken', path: '/agents/new', tell: (played) => { tellWizard(played); played.on('POST', '/api/agents', problem(409, 'name_taken', 'There is an agent with this name.')); }, ready: wizard(6, async (page, next) => { await next.click(); await text('There is an agent with this name.')(page); }) },
  { name: 'deploy-strange-key', path: '/agents/new', tell: tellWizard, ready: wizard(2, async (page) => { await page.getByLabel('OpenAI API key').fill('sk-tes'); await text('usually look like')(page); }) },
  { name: 'deploy-no-key', path: '/agents/new', tell: tellWizard, ready: wizard(2, async (page, next) => { await next.click(); await text('Paste the key')(page); }) },
  { name: 'deploy-strange-person', path: '/agents/new', tell: tellWizard, ready: wizard(3, async (page, next) => {
    await page.getByRole('radio', { name: 'Telegram', exact: true }).check();
    await page.getByLabel('Telegram user ids').fill('@anna');
    await next.click();
    await text('“@anna”')(page);
  }) },
  { name: 'deploy-custom', path: '/agents/new', tell: tellWizard, ready: wizard(4, async (page) => { await page.getByRole('radio', { name: 'Custom', exact: true }).check(); await page.getByRole('checkbox', { name: 'Send e-mail' }).check(); await page.getByRole('checkbox', { name: 'Other websites' }).check(); }) },
  { name: 'deploy-strange-sum', path: '/agents/new', tell: tellWizard, ready: wizard(5, async (page, next) => { await page.getByLabel('Dollars a day').fill('much'); await next.click(); await text('Enter an amount')(page); }) },
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
