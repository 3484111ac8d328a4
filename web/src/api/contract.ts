// Calls that are agreed but not in docs/api/openapi.yaml yet, typed by hand. When one lands there, its
// type goes from here to types.ts. Pages for them are hidden until the server answers: see useFeature in queries.ts.

import type { AgentStatus, Client, Role, User } from './types';

// Limits and overrides have the names that the server gives them (`agents`, `spendUsd`, …), so that a
// new one is shown without a new page. Null: no limit.
export type Limits = Record<string, number | null>;

/** GET /api/billing */
export type Billing = {
  plan: string;
  status: string;
  limits: Limits;
  usage: { agents: number; tokensIn: number; tokensOut: number; spendUsd: number; periodStart: string; periodEnd: string };
  portalUrl?: string | null;
};
/** GET /api/billing/plans and /api/admin/plans: what is on offer, in order. */
export type PlanOffer = { name: string; title: string; summary: string; monthlyUsd: number; limits: Limits; recommended?: boolean };
/** GET /api/billing/invoices, newest first. */
export type Invoice = { id: string; number: string; status: string; amountUsd: number; createdAt: string; url: string | null };
/** POST /api/billing/checkout `{plan}`. */
export type Checkout = { url: string };

/** GET /api/keys; POST `{name, scopes, expiresAt}`; DELETE /api/keys/:id. */
export const API_KEY_SCOPES = ['agents:read', 'agents:write', 'credentials:write', 'audit:read', 'billing:read'] as const;
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number];
export type ApiKey = { id: string; name: string; scopes: ApiKeyScope[]; expiresAt: string | null; lastUsedAt: string | null; createdAt: string };
/** The answer to POST only: the secret is never told again. */
export type NewApiKey = ApiKey & { secret: string };

/** GET /api/users; GET, PATCH `{role}` (If-Match) and DELETE /api/users/:id. */
export type Member = User;
/** GET /api/invitations; POST `{email, role}`; DELETE /api/invitations/:id. */
export type Invitation = { id: string; email: string; role: Role; invitedBy: string | null; createdAt: string; expiresAt: string };
/** The answer to POST only; `url` for handing over where no mail goes out. */
export type NewInvitation = Invitation & { url?: string | null };
/** POST /api/auth/invitation `{token}`; 410 when it has ended. POST /api/auth/invitation/accept `{token, password}` signs in. */
export type OpenInvitation = { email: string; role: Role; clientName: string; invitedBy: string | null; expiresAt: string };

/** GET /api/admin/clients `?q=&status=`. */
export type AdminClient = Client & { agents: number; members: number; spendTodayUsd: number; suspendedReason: string | null };
/**
 * GET /api/admin/clients/:id, PATCH `{plan?, overrides?}` (If-Match), POST …/suspend `{reason}` and …/restore.
 * `limits` is what holds, `overrides` what differs from the plan.
 */
export type AdminClientDetail = AdminClient & { limits: Limits; overrides: Limits; users: Member[] };
/** GET /api/admin/agents `?q=&status=&clientId=`. */
export type AdminAgent = {
  id: string; name: string; clientId: string; clientName: string; runtime: string; runtimeVersion: string;
  status: AgentStatus; statusReason: string | null; host: string | null; spendTodayUsd: number; updatedAt: string;
};
type Capacity = { cpus: number; memoryMb: number; diskMb: number };
/** GET /api/admin/hosts */
export type Host = { id: string; name: string; status: string; version: string; agents: number; capacity: Capacity; allocated: Capacity; lastSeenAt: string };
/** GET /api/admin/waitlist `?q=`. */
export type Waiter = { email: string; name: string | null; company: string | null; message: string | null; createdAt: string };
