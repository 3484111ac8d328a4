-- Where a user has proven both factors from. Attempts from such a network are counted apart, so that
-- a stranger who uses an account's attempts up does not lock its owner out.
SET ROLE deployclaw_owner;

CREATE TABLE known_networks (
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  user_id uuid NOT NULL,
  network text NOT NULL,  -- an IPv4 address or an IPv6 /64
  last_seen_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, network),
  FOREIGN KEY (user_id, client_id) REFERENCES users (id, client_id) ON DELETE CASCADE
);
ALTER TABLE known_networks ENABLE ROW LEVEL SECURITY;
ALTER TABLE known_networks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON known_networks TO deployclaw_api
  USING (client_id = current_client()) WITH CHECK (client_id = current_client());
GRANT SELECT, INSERT, UPDATE, DELETE ON known_networks TO deployclaw_api;

RESET ROLE;
