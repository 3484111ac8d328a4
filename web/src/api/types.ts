import type { components } from './schema';

type Schemas = components['schemas'];

export type Session = Schemas['Session'];
export type User = Schemas['User'];
export type Client = Schemas['Client'];
export type Role = User['role'];
export type ListedSession = Schemas['ListedSession'];
export type Agent = Schemas['Agent'];
export type AgentMetrics = Schemas['AgentMetrics'];
export type AgentStatus = Agent['status'];
export type Deployment = Schemas['Deployment'];
export type AgentVersion = Schemas['AgentVersion'];
export type DeploymentState = Deployment['state'];
export type Permissions = Schemas['Permissions'];
export type Scope = Permissions['scopes'][number];
export type Resources = Schemas['Resources'];
export type Runtime = Schemas['Runtime'];
export type NewCredential = Schemas['NewCredential'];
export type Credential = Schemas['Credential'];
export type CredentialTest = Schemas['CredentialTest'];
export type CreateAgentRequest = Schemas['CreateAgentRequest'];
export type ChangeAgentRequest = Schemas['ChangeAgentRequest'];
export type Health = Schemas['Health'];
export type OutputLine = Schemas['OutputLine'];
export type AuditRecord = Schemas['AuditRecord'];
export type CredentialKind = { name: string; title: string; hosts: string[]; hostsRequired: boolean; renewable: boolean };
export type Branding = { name: string; logoUrl: string | null; supportEmail: string | null; bookCallUrl: string | null; accent: string | null };
export type Page<T> = { items: T[]; nextCursor: string | null };

const RANK: Record<Role, number> = { viewer: 0, member: 1, admin: 2, owner: 3 };
/** Whether a role may do what `least` may. The server decides; this only hides what it would refuse. */
export const roleReaches = (role: Role, least: Role): boolean => RANK[role] >= RANK[least];
