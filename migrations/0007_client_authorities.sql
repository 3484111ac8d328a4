-- Each client's certificate authority, under which egress stands in for the hosts its agents talk to.
-- The private key is sealed by the vault (purpose client-ca) and opens for egress alone.
SET ROLE deployclaw_owner;

CREATE TABLE client_authorities (
  client_id uuid PRIMARY KEY REFERENCES clients ON DELETE CASCADE,
  certificate text NOT NULL,   -- PEM, shown to the client's agents
  encrypted jsonb NOT NULL CHECK (encrypted ?& ARRAY['iv', 'ciphertext', 'tag', 'keyVersion']),
  created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE client_authorities ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_authorities FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON client_authorities FOR SELECT TO deployclaw_api
  USING (client_id = current_client());
CREATE POLICY platform ON client_authorities TO deployclaw_orchestrator, deployclaw_egress
  USING (true) WITH CHECK (true);

-- Made once and never changed: agents that run believe this one.
GRANT SELECT, INSERT ON client_authorities TO deployclaw_orchestrator;
GRANT SELECT ON client_authorities TO deployclaw_egress;
GRANT SELECT (client_id, certificate, created_at) ON client_authorities TO deployclaw_api;

RESET ROLE;
