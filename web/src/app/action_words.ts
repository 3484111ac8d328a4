// The audit log's action types in plain words.

const WORDS: Record<string, string> = {
  api_call: 'Called an API',
  model_call: 'Called a model',
  email_read: 'Read e-mail',
  email_sent: 'Sent e-mail',
  email_changed: 'Changed e-mail',
  calendar_read: 'Read a calendar',
  calendar_changed: 'Changed a calendar',
  file_access: 'Read a file',
  file_changed: 'Changed a file',
  message_sent: 'Sent a message',
  connection_blocked: 'Connection blocked',
  token_renewed: 'Access token renewed',
  agent_created: 'Agent created',
  agent_updated: 'Agent changed',
  agent_deployed: 'Deployment live',
  agent_started: 'Agent started',
  agent_stopped: 'Agent stopped',
  agent_restarted: 'Agent restarted',
  agent_deleted: 'Agent deleted',
  agent_removed: 'Agent removed',
  deployment_failed: 'Deployment failed',
  circuit_opened: 'Given up after restarts',
  credential_created: 'Credential added',
  credential_replaced: 'Credential replaced',
  credential_deleted: 'Credential deleted',
  credential_tested: 'Credential tested',
  approval_requested: 'Asked for approval',
  approval_granted: 'Approval granted',
  approval_denied: 'Approval denied',
  approval_expired: 'Approval expired',
  approval_used: 'Approved request sent',
  user_login: 'Signed in',
  login_failed: 'Sign-in failed',
  two_factor_verified: 'Second factor confirmed',
  two_factor_failed: 'Second factor failed',
  two_factor_setup: 'Two-factor set-up begun',
  two_factor_enabled: 'Two-factor enabled',
  two_factor_changed: 'Two-factor changed',
  recovery_codes_renewed: 'Recovery codes renewed',
  password_changed: 'Password changed',
  session_ended: 'Session ended',
  client_registered: 'Account created',
  audit_exported: 'Audit log exported',
  audit_records_lost: 'Audit records lost',
};

/** "Sent e-mail" of email_sent; an unknown type becomes words too. */
export function actionWords(type: string): string {
  const known = WORDS[type];
  if (known) return known;
  const text = type.replace(/[_.:-]+/g, ' ').trim();
  return text ? text[0]?.toUpperCase() + text.slice(1) : 'Unnamed action';
}

export const ACTION_TYPES: string[] = Object.keys(WORDS);
