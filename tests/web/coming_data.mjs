// A played server's billing, team, keys and operator calls, with example data that changes as the pages
// change it. For tests and pictures.

import { answer, pageOf, problem } from './played.mjs';

const ago = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
const ahead = (hours) => ago(-hours);
const id = (group, number) => `00000000-0000-4000-8${group}-${String(number).padStart(12, '0')}`;

export const PLANS = [
  { name: 'starter', title: 'Starter', summary: 'For a first agent or two that do real work.', monthlyUsd: 29, recommended: false, limits: { agents: 3, spendUsd: 150, defaultDailyTokenSpendUsd: 5, auditRetentionDays: 90 } },
  { name: 'team', title: 'Team', summary: 'For a company whose people each have an agent.', monthlyUsd: 149, recommended: true, limits: { agents: 20, spendUsd: 1000, defaultDailyTokenSpendUsd: 25, auditRetentionDays: 90 } },
  { name: 'scale', title: 'Scale', summary: 'For agencies and products with agents of their own.', monthlyUsd: 990, recommended: false, limits: { agents: 200, spendUsd: null, defaultDailyTokenSpendUsd: 100, auditRetentionDays: 365 } },
];

export function tellBilling(played) {
  const billing = {
    plan: 'team', status: 'active', limits: PLANS[1].limits, portalUrl: 'https://billing.example.com/portal',
    usage: { agents: 14, spendUsd: 412.37, tokensIn: 48_210_331, tokensOut: 6_402_118, periodStart: '2026-11-01T00:00:00Z', periodEnd: '2026-12-01T00:00:00Z' },
  };
  const invoices = ['2026-11-01', '2026-10-01', '2026-09-01'].map((day, index) => ({
    id: `in_${index}`, number: `DC-2026-00${42 - index}`, status: index === 0 ? 'open' : 'paid', amountUsd: 149, createdAt: `${day}T08:00:00Z`, url: `https://billing.example.com/invoices/${index}`,
  }));
  played.on('GET', '/api/billing', () => billing);
  played.on('GET', '/api/billing/plans', { items: PLANS });
  played.on('GET', '/api/billing/invoices', ({ query }) => pageOf(invoices, query));
  played.on('POST', '/api/billing/checkout', ({ body }) => ({ url: `/app/billing?checkout=success&to=${body.plan}` }), { fresh: true });
  return { billing, invoices };
}

export function tellTeam(played) {
  const members = [
    played.session.user,
    ...[['nadia@example.com', 'admin', true], ['tom.okafor@example.com', 'member', true], ['li.wei@example.com', 'member', false], ['audit@example.com', 'viewer', true]]
      .map(([email, role, twoFactorEnabled], index) => ({ id: id('001', index + 2), email, role, twoFactorEnabled, createdAt: ago(900 - index * 190) })),
  ];
  const invitations = [
    { id: id('002', 1), email: 'sofia@example.com', role: 'member', invitedBy: 'owner@example.com', createdAt: ago(20), expiresAt: ahead(148) },
    { id: id('002', 2), email: 'old-address@example.com', role: 'viewer', invitedBy: 'nadia@example.com', createdAt: ago(200), expiresAt: ago(32) },
  ];
  const versions = new Map();
  const tag = (member) => `"${member.id}-${versions.get(member.id) ?? 1}"`;
  const touch = (member) => versions.set(member.id, (versions.get(member.id) ?? 1) + 1);
  const find = (params) => members.find((one) => one.id === params.id);
  const without = (list, params) => { list.splice(list.findIndex((one) => one.id === params.id), 1); return answer(204); };

  played.on('GET', '/api/users', ({ query }) => pageOf(members.filter(({ email }) => email.includes((query.q ?? '').toLowerCase())), query));
  played.on('GET', '/api/users/:id', ({ params }) => answer(200, { user: find(params) }, { etag: tag(find(params)) }));
  played.on('PATCH', '/api/users/:id', ({ params, body, headers }) => {
    const member = find(params);
    if (headers['if-match'] && headers['if-match'] !== tag(member)) return problem(412, 'precondition_failed', 'The resource has changed since you read it.');
    member.role = body.role;
    touch(member);
    return answer(200, { user: member }, { etag: tag(member) });
  }, { fresh: true });
  played.on('DELETE', '/api/users/:id', ({ params }) => without(members, params), { fresh: true });
  played.on('GET', '/api/invitations', ({ query }) => pageOf(invitations, query));
  played.on('POST', '/api/invitations', ({ body }) => {
    if (!body.email.includes('@')) return problem(422, 'invalid', 'The request breaks a rule.', { errors: [{ pointer: '/email', detail: 'This is not an e-mail address.' }] });
    const made = { id: id('002', invitations.length + 10), ...body, invitedBy: played.session.user.email, createdAt: ago(0), expiresAt: ahead(168) };
    invitations.unshift(made);
    return answer(201, { ...made, url: `${played.url}/app/invitation#invite-token-for-one` });
  }, { fresh: true });
  played.on('DELETE', '/api/invitations/:id', ({ params }) => without(invitations, params), { fresh: true });
  return { members, invitations, touch };
}

export function tellInvitation(played) {
  const open = { email: 'sofia@example.com', role: 'member', clientName: 'Example GmbH', invitedBy: 'owner@example.com', expiresAt: ahead(148) };
  const whole = played.session;
  const fits = (body) => body.token === 'invite-token-for-one';
  played.on('POST', '/api/auth/invitation', ({ body }) => (fits(body) ? open : problem(410, 'invitation_ended', 'This invitation has ended.')));
  played.on('POST', '/api/auth/invitation/accept', ({ body }) => {
    if (!fits(body)) return problem(410, 'invitation_ended', 'This invitation has ended.');
    if (body.password === 'password1234') return problem(422, 'invalid', 'The request breaks a rule.', { errors: [{ pointer: '/password', detail: 'This password is known from leaks. Choose another.' }] });
    played.session = { ...whole, level: 'password', fresh: false, user: { ...whole.user, id: id('001', 99), email: open.email, role: open.role, twoFactorEnabled: false } };
    return { user: played.session.user, client: whole.client };
  });
  return { open };
}

export const SECRET = 'dck_7Qm2xW9pLr4TzV8nKc3YbH6sGd1JfA5e';

export function tellKeys(played) {
  const keys = [
    { id: id('003', 1), name: 'Nightly report', scopes: ['agents:read', 'audit:read'], expiresAt: ahead(24 * 60), lastUsedAt: ago(7), createdAt: ago(24 * 30) },
    { id: id('003', 2), name: 'Deploy pipeline', scopes: ['agents:read', 'agents:write', 'credentials:write'], expiresAt: ahead(24 * 3), lastUsedAt: ago(0.1), createdAt: ago(24 * 87) },
    { id: id('003', 3), name: 'Old dashboard', scopes: ['billing:read'], expiresAt: ago(24 * 12), lastUsedAt: null, createdAt: ago(24 * 102) },
  ];
  played.on('GET', '/api/keys', ({ query }) => pageOf(keys, query));
  played.on('POST', '/api/keys', ({ body }) => {
    if (keys.some(({ name }) => name === body.name)) return problem(422, 'invalid', 'The request breaks a rule.', { errors: [{ pointer: '/name', detail: 'There is a key with this name.' }] });
    const made = { id: id('003', keys.length + 10), ...body, lastUsedAt: null, createdAt: ago(0) };
    keys.unshift(made);
    return answer(201, { ...made, secret: SECRET });
  }, { fresh: true });
  played.on('DELETE', '/api/keys/:id', ({ params }) => { keys.splice(keys.findIndex((one) => one.id === params.id), 1); return answer(204); }, { fresh: true });
  return { keys };
}

const COMPANIES = ['Example GmbH', 'Northwind Traders', 'Blue Harbor Logistics', 'Okafor & Sons', 'Studio Lumen', 'Kestrel Analytics', 'Fjord Travel'];

export function tellOperator(played) {
  const clients = COMPANIES.map((name, index) => ({
    id: id('004', index + 1), name, plan: PLANS[index % 3].name, status: index === 3 ? 'suspended' : 'active', suspendedReason: index === 3 ? 'Chargeback of the October invoice' : null,
    createdAt: ago(24 * (300 - index * 40)), agents: [14, 3, 41, 2, 0, 8, 1][index], members: [5, 2, 9, 1, 1, 4, 2][index], spendTodayUsd: [18.2, 0.41, 77.03, 0, 0, 3.9, 0.0042][index], overrides: index === 2 ? { agents: 60 } : {},
  }));
  const versions = new Map();
  const tag = (client) => `"${client.id}-${versions.get(client.id) ?? 1}"`;
  const touch = (client) => versions.set(client.id, (versions.get(client.id) ?? 1) + 1);
  const find = (params) => clients.find((one) => one.id === params.id);
  const detail = (client) => {
    const plan = PLANS.find(({ name }) => name === client.plan);
    const users = [
      { id: id('005', 1), email: `owner@${client.name.toLowerCase().replace(/[^a-z]+/g, '-')}.example`, role: 'owner', twoFactorEnabled: true, createdAt: client.createdAt },
      { id: id('005', 2), email: 'second@example.com', role: 'member', twoFactorEnabled: false, createdAt: client.createdAt },
    ];
    return answer(200, { client: { ...client, limits: { ...plan.limits, ...client.overrides }, users } }, { etag: tag(client) });
  };
  const has = (q, ...texts) => texts.some((text) => text?.toLowerCase().includes((q ?? '').toLowerCase()));
  const is = (wanted, value) => !wanted || wanted === value;

  const agents = clients.flatMap((client) => Array.from({ length: Math.min(client.agents, 9) }, (_, index) => ({
    id: id('006', Number(client.id.slice(-4)) * 100 + index), name: ['Inbox assistant', 'Night watch', 'Invoice clerk', 'Travel desk'][index % 4] + (index > 3 ? ` ${index}` : ''), clientId: client.id, clientName: client.name,
    runtime: 'openclaw', runtimeVersion: '2026.11.2', status: client.status === 'suspended' ? 'stopped' : index === 1 ? 'error' : index === 2 ? 'provisioning' : 'running',
    statusReason: index === 1 ? 'Exited with code 78 ten times in ten minutes' : null, host: index === 2 ? null : `box-${(index % 3) + 1}`, spendTodayUsd: index * 0.73, updatedAt: ago(index + 0.2),
  })));
  const hosts = [['box-1', 'ready', 0.55], ['box-2', 'ready', 0.93], ['box-3', 'draining', 0.2], ['box-4', 'down', 0]].map(([name, status, share], index) => ({
    id: id('007', index + 1), name, status, version: 'deployclaw 0.9.1', agents: Math.round(share * 64), lastSeenAt: status === 'down' ? ago(5) : ago(0.002),
    capacity: { cpus: 16, memoryMb: 65_536, diskMb: 1_048_576 }, allocated: { cpus: 16 * share, memoryMb: Math.round(65_536 * share * 0.8), diskMb: Math.round(1_048_576 * share * 0.4) },
  }));
  const waiters = [
    { email: 'maria@harbor.example', name: 'Maria Santos', company: 'Harbor Clinic', message: 'We have twelve people who would each like an assistant for their inbox.\nCan we host it ourselves?', createdAt: ago(3) },
    { email: 'j.berg@fjell.example', name: 'Jonas Berg', company: null, message: null, createdAt: ago(40) },
    { email: 'hello@tinyshop.example', name: null, company: 'Tiny Shop', message: 'WhatsApp orders.', createdAt: ago(120) },
  ];

  played.on('GET', '/api/admin/clients', ({ query }) => pageOf(clients.filter((one) => has(query.q, one.name, one.id) && is(query.status, one.status)), query));
  played.on('GET', '/api/admin/clients/:id', ({ params }) => (find(params) ? detail(find(params)) : problem(404, 'not_found', 'There is nothing here.')));
  played.on('PATCH', '/api/admin/clients/:id', ({ params, body, headers }) => {
    const client = find(params);
    if (headers['if-match'] !== tag(client)) return problem(412, 'precondition_failed', 'The resource has changed since you read it.');
    if (body.overrides.agents > 10_000) return problem(422, 'invalid', 'The request breaks a rule.', { errors: [{ pointer: '/overrides/agents', detail: 'At most 10000.' }] });
    Object.assign(client, body);
    touch(client);
    return detail(client);
  }, { fresh: true });
  const stand = (status) => ({ params, body }) => {
    Object.assign(find(params), { status, suspendedReason: status === 'suspended' ? body.reason || null : null });
    touch(find(params));
    return detail(find(params));
  };
  played.on('POST', '/api/admin/clients/:id/suspend', stand('suspended'), { fresh: true });
  played.on('POST', '/api/admin/clients/:id/restore', stand('active'), { fresh: true });
  played.on('POST', '/api/admin/users/:id/two-factor-reset', answer(204), { fresh: true });
  played.on('GET', '/api/admin/plans', { items: PLANS });
  played.on('GET', '/api/admin/agents', ({ query }) => pageOf(agents.filter((one) => has(query.q, one.name, one.clientName, one.clientId) && is(query.status, one.status)), query));
  played.on('GET', '/api/admin/hosts', ({ query }) => pageOf(hosts.filter((one) => has(query.q, one.name)), query));
  played.on('GET', '/api/admin/waitlist', ({ query }) => pageOf(waiters.filter((one) => has(query.q, one.email, one.name, one.company)), query));
  return { clients, agents, hosts, waiters, touch };
}

export function tellAll(played) {
  return { ...tellBilling(played), ...tellTeam(played), ...tellKeys(played), ...tellOperator(played), ...tellInvitation(played) };
}

const heading = (name) => (page) => page.getByRole('heading', { name, level: 1 }).waitFor();
const row = (text) => (page) => page.getByRole('cell', { name: text }).first().waitFor();

// The pages that a server may lack, for the tests of accessibility and the pictures of ./dev screens.
export const comingPages = [
  { name: 'billing', path: '/billing', ready: row('DC-2026-0042') },
  { name: 'team', path: '/team', ready: row('sofia@example.com') },
  { name: 'team-invite', path: '/team', ready: async (page) => { await row('sofia@example.com')(page); await page.getByRole('button', { name: 'Invite somebody' }).first().click(); await page.getByRole('dialog').waitFor(); } },
  { name: 'keys', path: '/keys', ready: row('Nightly report') },
  { name: 'keys-new', path: '/keys', ready: async (page) => { await row('Nightly report')(page); await page.getByRole('button', { name: 'Create a key' }).click(); await page.getByRole('dialog').waitFor(); } },
  { name: 'invitation', path: '/invitation#invite-token-for-one', ready: heading('Join Example GmbH'), signedOut: true },
  { name: 'operator-clients', path: '/operator', ready: row('Blue Harbor Logistics') },
  { name: 'operator-client', path: `/operator/clients/${id('004', 3)}`, ready: (page) => page.getByLabel('Plan', { exact: true }).waitFor() },
  { name: 'operator-agents', path: '/operator/agents', ready: row('Inbox assistant') },
  { name: 'operator-hosts', path: '/operator/hosts', ready: row('box-2') },
  { name: 'operator-waitlist', path: '/operator/waitlist', ready: row('maria@harbor.example') },
];
