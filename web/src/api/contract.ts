// Calls that are agreed but not in docs/api/openapi.yaml yet. When one lands there, its type moves to
// types.ts. Pages for them are hidden until the server answers: see useFeatures in queries.ts.

export type Approval = {
  id: string;
  agentId: string;
  digest: string;
  scope: string;
  target: string;
  request: { method: string; url: string; summary?: string; body?: string | null };
  state: 'pending' | 'granted' | 'denied' | 'expired';
  createdAt: string;
  expiresAt: string;
};

export type Billing = {
  plan: string;
  status: string;
  limits: Record<string, number>;
  usage: { agents: number; tokensIn: number; tokensOut: number; spendUsd: number; periodStart: string; periodEnd: string };
  portalUrl?: string | null;
};

export type ApiKeyScope = 'agents:read' | 'agents:write' | 'credentials:write' | 'audit:read' | 'billing:read';
export type ApiKey = { id: string; name: string; scopes: ApiKeyScope[]; expiresAt: string | null; lastUsedAt: string | null; createdAt: string };
export type NewApiKey = ApiKey & { secret: string };

export type Member = { id: string; email: string; role: 'owner' | 'admin' | 'member' | 'viewer'; twoFactorEnabled: boolean; createdAt: string };
export type Invitation = { id: string; email: string; role: Member['role']; expiresAt: string; createdAt: string };
