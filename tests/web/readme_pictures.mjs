// Usage: node tests/web/readme_pictures.mjs [FOLDER]
//
// Makes the pictures of the dashboard in the README anew, from played answers and at a fixed time: the
// list of agents, what one of them did and was refused, and its permissions. Needs ./dev build web.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { agentOf, deploymentOf } from './many_agents.mjs';
import { pageOf, Played } from './played.mjs';

const folder = process.argv[2] ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../docs/images');
const NOW = Date.parse('2026-11-27T14:20:00Z');
const MOST_BYTES = 200_000;
const minutes = (count) => new Date(NOW - count * 60_000).toISOString();
const MB = 2 ** 20;

const running = (number, name, { cpu, memory, limit = 1024, spent, cap, last, ago, ...more }) => agentOf(number, {
  name, runtimeVersion: '2026.11.2', status: 'running', desiredState: 'running', statusReason: null, restarts: 0,
  resources: { cpus: 2, memoryMb: limit, pids: 256, diskMb: 4096 }, usage: { cpuPercent: cpu, memoryBytes: memory * MB, memoryLimitBytes: limit * MB },
  spend: { todayUsd: spent, capUsd: cap }, lastAction: { at: minutes(ago), action: last }, ...more,
});
const agents = [
  running(1, 'Contract reader', { cpu: 31, memory: 702, limit: 2048, spent: 6.84, cap: 10, last: 'file_access', ago: 1.2 }),
  running(2, 'Inbox assistant', { cpu: 12, memory: 418, spent: 1.92, cap: 5, last: 'email_read', ago: 0.3,
    permissions: { scopes: ['email:read', 'email:send', 'calendar:read', 'files:read', 'files:write'], approval: ['email:send'],
      rateLimits: { 'email:send': { maxPerHour: 10, maxPerDay: 40 } }, maxDailyTokenSpend: 5 } }),
  running(3, 'Invoice clerk', { cpu: 4.2, memory: 365, spent: 0.47, cap: 3, last: 'file_changed', ago: 6 }),
  running(4, 'Lead researcher', { cpu: 58, memory: 811, spent: 4.71, cap: 5, last: 'model_call', ago: 0.2 }),
  agentOf(5, { name: 'Meeting planner', runtimeVersion: '2026.11.2', status: 'provisioning', desiredState: 'running', statusReason: null, usage: null, restarts: 0,
    deployment: deploymentOf('starting'), spend: { todayUsd: 0, capUsd: 2 }, lastAction: { at: minutes(0.5), action: 'agent_created' } }),
  agentOf(6, { name: 'Night watch', runtimeVersion: '2026.10.4', status: 'error', desiredState: 'running', statusReason: 'Exit code 78', usage: null, restarts: 5,
    spend: { todayUsd: 0.06, capUsd: 1 }, lastAction: { at: minutes(47), action: 'agent_restarted' } }),
  agentOf(7, { name: 'Press digest', runtimeVersion: '2026.11.2', status: 'stopped', desiredState: 'stopped', statusReason: null, usage: null, restarts: 0,
    spend: { todayUsd: 0, capUsd: 2 }, lastAction: { at: minutes(60 * 21), action: 'agent_stopped' } }),
  running(8, 'Support desk', { cpu: 18, memory: 497, spent: 2.35, cap: 8, last: 'message_sent', ago: 2.1, restarts: 1 }),
];
const inbox = agents[1];

const records = [
  [0.3, 'email_read', 'gmail.googleapis.com/gmail/v1/users/me/messages/18c2f0', 'success'],
  [0.6, 'api_call', 'paste.example.net:443', 'denied', 'the domain is not among the agent\'s allowed domains'],
  [0.8, 'model_call', 'api.anthropic.com/v1/messages', 'success'],
  [3, 'approval_requested', 'to anna@northwind.example', 'success'],
  [9, 'email_changed', 'gmail.googleapis.com/batch', 'denied', 'a batch hides its requests; send them one by one'],
  [12, 'calendar_read', 'calendar primary', 'success'],
  [12.4, 'calendar_changed', 'calendar primary, event Call with Anna', 'denied', 'the agent does not have the scope calendar:write'],
  [21, 'approval_granted', 'to billing@harbor.example', 'success', null, 'user'],
  [21.2, 'email_sent', 'to billing@harbor.example', 'success'],
].map(([ago, actionType, target, outcome, reason, actor = 'agent'], index) => ({
  seq: 4120 - index, createdAt: minutes(ago), agentId: inbox.id, actor: { type: actor, id: actor === 'user' ? '00000000-0000-4000-8000-000000000001' : inbox.id },
  actionType, target, outcome, metadata: reason ? { reason } : {}, ip: null,
}));

const played = await new Played().start();
try {
  played.session.user.email = 'maria@example.com';
  tell();
  await picture('agents', { height: 700 }, '/agents', (page) => page.getByRole('link', { name: 'Support desk' }).waitFor());
  await picture('activity', { width: 1320, height: 740, colorScheme: 'dark' }, `/agents/${inbox.id}/activity`, (page) => page.getByText('Sent e-mail').first().waitFor());
  await picture('permissions', { width: 1320, height: 720 }, `/agents/${inbox.id}/permissions`, (page) => page.getByRole('button', { name: 'Allow this' }).waitFor());
} finally {
  await played.stop();
}

function tell() {
  const of = (rest) => `/api/agents/:id${rest}`;
  played.on('GET', '/api/agents', ({ query }) => pageOf(agents, query, 200));
  played.on('GET', of(''), () => ({ agent: inbox }));
  played.on('GET', of('/logs'), ({ query }) => pageOf(records, query));
  played.on('GET', of('/suggestions'), { from: minutes(43_200), unlisted: 0,
    items: [{ id: 'scope:calendar:write', sentence: 'Add the scope calendar:write: the agent may then create, change and delete events.', addScopes: ['calendar:write'], addDomains: [], count: 6, lastAt: minutes(12.4),
      example: 'POST https://www.googleapis.com/calendar/v3/calendars/primary/events' }],
    notGrantable: [{ host: 'gmail.googleapis.com', rule: 'gmail/batch', reason: 'a batch hides its requests; send them one by one', count: 2, lastAt: minutes(9), example: 'POST https://gmail.googleapis.com/batch' }] });
  played.on('GET', '/api/approvals', { items: [{ id: '00000000-0000-4000-8000-00000000ab01', agentName: inbox.name, createdAt: minutes(3) }], nextCursor: null, pending: 1 });
  // What is in the navigation is there because these calls answer.
  for (const call of ['/api/users', '/api/keys']) played.on('GET', call, { items: [], nextCursor: null });
  played.on('GET', '/api/billing', {});
}

async function picture(name, look, address, ready) {
  const page = await played.window({ width: 1240, deviceScaleFactor: 1.2, ...look });
  await page.clock.setFixedTime(NOW);
  await page.open(address);
  await ready(page);
  await page.evaluate(() => document.fonts.ready);
  // Nothing is to have the focus, and what moves is to be at rest.
  await page.evaluate(() => document.activeElement?.blur());
  const file = path.join(folder, `dashboard-${name}.png`);
  await page.waitForTimeout(1000);
  await page.screenshot({ path: file, animations: 'disabled' });
  await page.done();
  const { size } = fs.statSync(file);
  console.log(`${file}: ${Math.round(size / 1000)} kB`);
  if (size > MOST_BYTES) throw new Error(`${file} is larger than ${MOST_BYTES / 1000} kB`);
}
