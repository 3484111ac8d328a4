// What the wizard collects, and the request that it becomes. Nothing here touches the page.

import type { CreateAgentRequest, NewCredential, Permissions, Runtime, Scope } from '../../api/types';
import { CHANNELS, idsOf, type Channel } from './channels';
import { PROVIDERS, type Provider } from './providers';

export type PresetId = 'read' | 'email' | 'chat' | 'custom';

export type Draft = {
  name: string;
  runtime: string;
  image: string;
  provider: string;
  model: string;
  modelKey: string;
  channel: Channel['id'] | 'none';
  channelSecrets: Record<string, string>;
  people: string;
  preset: PresetId;
  custom: Permissions;
  domains: string;
  spend: string;
};

export const PRESETS: Array<{ id: PresetId; title: string; hint: string; permissions: Permissions }> = [
  { id: 'read', title: 'Read-only assistant', hint: 'Reads mail, calendar and files and answers you. Changes nothing.',
    permissions: { scopes: ['email:read', 'calendar:read', 'files:read'] } },
  { id: 'email', title: 'E-mail assistant', hint: 'Also drafts and sends e-mail, each one after your approval.',
    permissions: { scopes: ['email:read', 'email:send', 'calendar:read', 'files:read', 'files:write'], approval: ['email:send'],
      rateLimits: { 'email:send': { maxPerHour: 20, maxPerDay: 100 } } } },
  { id: 'chat', title: 'Team chat bot', hint: 'Answers in your team’s chat. No mail, no calendar.',
    permissions: { scopes: ['messaging:send', 'files:read', 'files:write'], rateLimits: { 'messaging:send': { maxPerHour: 200, maxPerDay: 2000 } } } },
  { id: 'custom', title: 'Custom', hint: 'Choose every permission yourself.', permissions: { scopes: [] } },
];

export const emptyDraft = (): Draft => ({
  name: '', runtime: '', image: '', provider: 'openai', model: PROVIDERS[0]?.models[0] ?? '', modelKey: '', channel: 'none', channelSecrets: {},
  people: '', preset: 'read', custom: { scopes: ['files:read', 'files:write'] }, domains: '', spend: '5',
});

export const providerOf = (draft: Draft): Provider | undefined => PROVIDERS.find((one) => one.kind === draft.provider);
export const channelOf = (draft: Draft): Channel | undefined => CHANNELS.find((one) => one.id === draft.channel);

/** The permissions of the chosen preset, with what the chosen channel cannot do without. */
export function permissionsOf(draft: Draft): Permissions {
  const preset = PRESETS.find((one) => one.id === draft.preset)?.permissions ?? { scopes: [] };
  const chosen: Permissions = draft.preset === 'custom' ? draft.custom : preset;
  const scopes = new Set<Scope>(chosen.scopes);
  for (const scope of neededBy(draft)) scopes.add(scope);
  const keep = (scope: Scope) => scopes.has(scope);
  const out: Permissions = { scopes: [...scopes], maxDailyTokenSpend: Number(draft.spend) };
  const limits = Object.entries(chosen.rateLimits ?? {}).filter(([scope]) => keep(scope as Scope));
  if (limits.length > 0) out.rateLimits = Object.fromEntries(limits);
  const approval = (chosen.approval ?? []).filter(keep);
  if (approval.length > 0) out.approval = approval;
  const domains = idsOf(draft.domains);
  if (draft.preset === 'custom' && scopes.has('api:outbound') && domains.length > 0) out.allowedDomains = domains;
  return out;
}

/** Scopes that the chosen channel needs, whatever the preset says. */
export function neededBy(draft: Draft): Scope[] {
  if (draft.channel === 'none') return [];
  // WhatsApp keeps the keys of its link in the agent's own files.
  return draft.channel === 'whatsapp' ? ['messaging:send', 'files:read', 'files:write'] : ['messaging:send'];
}

/** In a config: the placeholder of the credential of that name. The agent never sees the value. */
const credential = (name: string) => ({ $credential: name });

function modelConfig(draft: Draft): Record<string, unknown> {
  const provider = providerOf(draft);
  if (!provider || draft.modelKey === '') return {};
  const name = provider.kind;
  return {
    models: {
      providers: {
        [name]: {
          baseUrl: provider.baseUrl, apiKey: credential(name), api: provider.api,
          models: [{ id: draft.model, name: draft.model, contextWindow: provider.contextWindow, maxTokens: 8192 }],
        },
      },
    },
    agents: { defaults: { model: { primary: `${name}/${draft.model}` } } },
  };
}

function channelConfig(draft: Draft): Record<string, unknown> {
  const people = idsOf(draft.people);
  const access = people.length > 0 ? { dmPolicy: 'allowlist', allowFrom: people } : { dmPolicy: 'pairing' };
  switch (draft.channel) {
    case 'telegram':
      return { channels: { telegram: { enabled: true, botToken: credential('telegram'), ...access, groups: { '*': { requireMention: true } } } } };
    case 'slack':
      return { channels: { slack: { enabled: true, mode: 'socket', botToken: credential('slack'), appToken: credential('slack-app'), ...access } } };
    case 'discord':
      return { channels: { discord: { enabled: true, token: credential('discord'), ...access } } };
    case 'whatsapp':
      return { channels: { whatsapp: { enabled: true, ...access } } };
    default:
      return {};
  }
}

/** OpenClaw's settings; other runtimes keep their own, but for an image that has to be named. */
export function configOf(draft: Draft, runtime: Runtime | undefined): Record<string, unknown> {
  if (draft.runtime === 'openclaw') return { ...modelConfig(draft), ...channelConfig(draft) };
  return runtime && runtime.images.length > 0 ? { image: draft.image || runtime.images[0] } : {};
}

export function credentialsOf(draft: Draft): NewCredential[] {
  const out: NewCredential[] = [];
  const provider = providerOf(draft);
  if (provider && draft.modelKey !== '') out.push({ name: provider.kind, kind: provider.kind, value: draft.modelKey.trim() });
  for (const secret of channelOf(draft)?.secrets ?? []) {
    const value = draft.channelSecrets[secret.name]?.trim();
    if (value) out.push({ name: secret.name, kind: secret.kind, value });
  }
  return out;
}

export function requestOf(draft: Draft, runtime: Runtime | undefined): CreateAgentRequest {
  return { name: draft.name.trim(), runtime: draft.runtime, config: configOf(draft, runtime), permissions: permissionsOf(draft), credentials: credentialsOf(draft) };
}

export const STEPS = ['runtime', 'model', 'channel', 'permissions', 'spend', 'review'] as const;
export type Step = (typeof STEPS)[number];

/** The step whose field a pointer of a refused request belongs to. */
export function stepOfPointer(pointer: string, draft: Draft): Step {
  if (/^\/(name|runtime|resources)/.test(pointer) || pointer === '/config/image') return 'runtime';
  if (pointer.startsWith('/permissions/maxDailyTokenSpend')) return 'spend';
  if (pointer.startsWith('/permissions')) return 'permissions';
  if (/^\/config\/(models|agents)/.test(pointer)) return 'model';
  if (pointer.startsWith('/config/channels')) return 'channel';
  const index = /^\/credentials\/(\d+)/.exec(pointer)?.[1];
  if (index !== undefined) return credentialsOf(draft)[Number(index)]?.kind === draft.provider ? 'model' : 'channel';
  return 'review';
}
