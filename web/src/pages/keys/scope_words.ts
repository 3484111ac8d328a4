// What an API key may do, in words: short where keys are listed, whole where they are chosen.

import type { ApiKeyScope } from '../../api/contract';

export const KEY_SCOPE_WORDS: Record<ApiKeyScope, { title: string; means: string }> = {
  'agents:read': { title: 'See agents', means: 'See agents, their state and their output' },
  'agents:write': { title: 'Manage agents', means: 'Deploy, change, start, stop and delete agents' },
  'credentials:write': { title: 'Store credentials', means: 'Store and replace credentials, never read them' },
  'audit:read': { title: 'Read the audit log', means: 'Read and export the audit log' },
  'billing:read': { title: 'See billing', means: 'See the plan and what is used of it' },
};
