// A played server's calls about one agent, which change as the pages change it. For tests.

import { createHash } from 'node:crypto';

import { answer, pageOf, problem } from './played.mjs';

export const AGENT = '00000000-0000-4000-8000-0000000000a1';
export const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const someone = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const RESOURCES = { cpus: 0.25, memoryMb: 32, diskMb: 16, pids: 32 };

const deployment = (number, more = {}) => ({
  id: someone(900 + number), kind: 'update', state: 'live', generation: number, exitCode: null, lastOutput: null, reason: null,
  createdAt: ago(600 - number * 60), endedAt: ago(599 - number * 60), steps: [{ name: 'image', startedAt: ago(600), endedAt: ago(600), detail: null }], ...more,
});
const record = (seq, actionType, actorId, metadata) => ({
  seq, createdAt: ago(600 - seq * 60), agentId: AGENT, actor: { type: 'user', id: actorId }, actionType, target: 'Inbox assistant', outcome: 'success', metadata, ip: null,
});

// Where hidden values of two versions are the same: `secrets` has them by pointer.
const sameSecrets = (one, other) => Object.keys(one.secrets ?? {}).filter((pointer) => one.secrets[pointer] === other?.secrets?.[pointer]);
const shown = ({ secrets, ...version }) => version;

// `state.agent` is what the server has; `elsewhere` changes it as another person would, `meanwhile` just
// before the next change of the page arrives. `state.versions` is what was deployed, newest first as the
// deployments, `state.secrets` the values that the agent's hidden settings have.
export function tellAgent(played, more = {}) {
  const state = {
    agent: {
      id: AGENT, name: 'Inbox assistant', runtime: 'probe', runtimeVersion: '1', status: 'running', desiredState: 'running', statusReason: null,
      config: { note: 'hello', printCount: 2, quiet: false, nested: { words: ['a', 'b'], apiKey: { $sealed: true } } },
      permissions: { scopes: ['email:read'], maxDailyTokenSpend: 5 }, resources: { ...RESOURCES }, host: 'host-1', endpoint: null, generation: 2,
      deployment: deployment(2), createdAt: ago(600), updatedAt: ago(30), spend: { todayUsd: 0.42, capUsd: 5 }, ...more,
    },
    health: { status: 'healthy', statusReason: null, restarts: 0, nextRetryAt: null, lastExitCode: null, checks: [{ name: 'ready', status: 'pass', detail: null, at: ago(0) }] },
    deployments: [deployment(2), deployment(1, { kind: 'create' })],
    records: [
      record(3, 'agent_updated', someone(2), { changed: ['permissions'], generation: 2, permissions: { scopes: ['email:read'], maxDailyTokenSpend: 5 } }),
      record(2, 'agent_updated', someone(1), { changed: ['config', 'permissions'], generation: 2, permissions: { scopes: ['email:read', 'email:send'], maxDailyTokenSpend: 9 } }),
      record(1, 'agent_created', someone(1), { permissions: { scopes: [] } }),
    ],
    output: [],
    secrets: { '/config/nested/apiKey': 'first' },
  };
  const versionNow = () => {
    const { runtime, runtimeVersion, config, permissions, resources } = structuredClone(state.agent);
    return { runtime, runtimeVersion, config, permissions, resources, secrets: { ...state.secrets } };
  };
  // The newest version is what the agent has now.
  state.deployed = () => { state.versions[0] = versionNow(); };
  state.versions = [versionNow(), { ...versionNow(), config: { ...state.agent.config, note: 'the first note' } }];
  const tag = () => `"${createHash('sha256').update(JSON.stringify([state.agent.name, state.agent.config, state.agent.permissions, state.agent.resources, state.agent.runtimeVersion, state.secrets])).digest('hex').slice(0, 16)}"`;
  const whole = (status = 200) => answer(status, { agent: state.agent }, { etag: tag() });
  const merge = ({ resources, ...rest }) => { state.agent = { ...state.agent, ...rest, resources: { ...state.agent.resources, ...resources } }; };
  state.elsewhere = merge;
  let before = null;
  state.meanwhile = (change) => { before = change; };
  const at = (rest) => `/api/agents/:id${rest}`;
  const tell = (method, rest, reply, options) => played.on(method, at(rest), reply, options);

  played.on('GET', '/api/agents', ({ query }) => pageOf([state.agent], query));
  played.on('GET', '/api/approvals', { items: [], nextCursor: null, pending: 0 });
  played.on('GET', '/api/runtimes', { items: [{ name: 'probe', title: 'Probe', version: '2', testOnly: true, configKeys: ['*'], images: [], readyWithinSeconds: 30,
    resources: { default: RESOURCES, least: { cpus: 0.05, memoryMb: 16, diskMb: 16, pids: 8 }, most: { cpus: 8, memoryMb: 16384, diskMb: 65536, pids: 4096 } } }] });
  tell('GET', '', () => whole());
  tell('PATCH', '', ({ body, headers }) => {
    if (before) merge(before);
    before = null;
    if (headers['if-match'] && headers['if-match'] !== tag()) return problem(412, 'precondition_failed', 'The agent was changed since you read it.');
    merge(body);
    return whole(202);
  }, { fresh: true });
  tell('DELETE', '', () => { state.agent = { ...state.agent, desiredState: 'deleted' }; return whole(202); }, { fresh: true });
  tell('GET', '/health', () => state.health);
  tell('GET', '/deployments', ({ query }) => pageOf(state.deployments, query));
  const versionOf = ({ params }) => state.versions[state.deployments.findIndex((one) => one.id === params.deployment)];
  tell('GET', '/deployments/:deployment', (call) => {
    const version = versionOf(call);
    if (!version) return problem(404, 'not_found', 'There is no such resource.');
    const before = state.versions[state.versions.indexOf(version) + 1] ?? null;
    return { deployment: state.deployments[state.versions.indexOf(version)], version: shown(version), before: before && shown(before),
      sameSecrets: { before: sameSecrets(version, before), now: sameSecrets(version, versionNow()) } };
  });
  tell('POST', '/deployments/:deployment/restore', (call) => {
    if (before) merge(before);
    before = null;
    if (call.headers['if-match'] !== tag()) return problem(412, 'precondition_failed', 'The agent was changed since you read it.');
    const version = versionOf(call);
    const same = JSON.stringify({ ...versionNow(), permissions: null }) === JSON.stringify({ ...version, permissions: null });
    const changed = Object.keys(shown(version)).filter((part) => JSON.stringify(version[part]) !== JSON.stringify(state.agent[part]));
    merge(shown(version));
    state.secrets = { ...version.secrets };
    if (!same) state.agent.generation += 1;
    state.records.unshift(record(state.records.length + 1, 'agent_updated', someone(1), { changed, generation: state.agent.generation, restoredFrom: call.params.deployment, ...(changed.includes('permissions') && { permissions: version.permissions }) }));
    if (!same && state.agent.desiredState === 'running') {
      const made = deployment(state.deployments.length + 1, { state: 'queued', generation: state.agent.generation, createdAt: ago(0), endedAt: null, steps: [] });
      state.deployments.unshift(made);
      state.versions.unshift(versionNow());
      Object.assign(state.agent, { status: 'provisioning', deployment: made });
    }
    return whole(202);
  }, { fresh: true });
  tell('GET', '/logs', ({ query }) => pageOf(state.records.filter((one) => !query.actionType || one.actionType === query.actionType), query));
  tell('GET', '/approvals', { items: [], nextCursor: null, pending: 0 });
  tell('GET', '/output', ({ query }) => (query.follow ? problem(404, 'not_found', 'No stream.') : { items: state.output, nextCursor: null }));
  tell('GET', '/credentials', { items: [] });
  tell('GET', '/suggestions', { from: ago(43_200), items: [], notGrantable: [], unlisted: 0 });
  tell('POST', '/policy/replay', { from: ago(43_200), to: ago(0), complete: true, newlyDenied: [], newlyAllowed: [], rateLimits: [],
    counts: { examined: 12, stillAllowed: 12, stillDenied: 0, newlyDenied: 0, newlyAllowed: 0, refusedOtherwise: 0 } });
  return state;
}
