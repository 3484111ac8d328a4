-- What the pages need: to hear of changes while they are open, and a list of who waits.
SET ROLE deployclaw_owner;

-- Tells the api which thing of which client changed: "<kind> <client> <id> [<agent>]". Readers go
-- and look, inside their own row-level security; nothing of the row itself travels.
-- Arguments: the kind, the column of the id, and, where it is another one, that of the agent.
CREATE FUNCTION notify_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
  PERFORM pg_notify('deployclaw_events',
                    concat_ws(' ', TG_ARGV[0], changed ->> 'client_id', changed ->> TG_ARGV[1],
                              CASE WHEN TG_NARGS > 2 THEN changed ->> TG_ARGV[2] END));
  RETURN NULL;
END
$$;

CREATE TRIGGER agents_event AFTER INSERT OR DELETE ON agents
  FOR EACH ROW EXECUTE FUNCTION notify_event('agent.changed', 'id');
CREATE TRIGGER agents_change_event AFTER UPDATE ON agents
  FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
  EXECUTE FUNCTION notify_event('agent.changed', 'id');
CREATE TRIGGER credentials_event AFTER INSERT OR DELETE
  OR UPDATE OF kind, hosts, placeholder, encrypted, oauth, expires_at ON agent_credentials
  FOR EACH ROW EXECUTE FUNCTION notify_event('agent.changed', 'agent_id');
CREATE TRIGGER deployments_event AFTER INSERT ON deployments
  FOR EACH ROW EXECUTE FUNCTION notify_event('deployment.changed', 'id', 'agent_id');
CREATE TRIGGER deployments_change_event AFTER UPDATE ON deployments
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.steps IS DISTINCT FROM NEW.steps)
  EXECUTE FUNCTION notify_event('deployment.changed', 'id', 'agent_id');
-- Probes write every few seconds; only what a person would see is told.
CREATE TRIGGER observations_event AFTER INSERT ON agent_observations
  FOR EACH ROW EXECUTE FUNCTION notify_event('agent.changed', 'agent_id');
CREATE TRIGGER observations_change_event AFTER UPDATE ON agent_observations
  FOR EACH ROW WHEN (OLD.health IS DISTINCT FROM NEW.health
                     OR OLD.restarts IS DISTINCT FROM NEW.restarts
                     OR OLD.next_retry_at IS DISTINCT FROM NEW.next_retry_at
                     OR OLD.container_id IS DISTINCT FROM NEW.container_id)
  EXECUTE FUNCTION notify_event('agent.changed', 'agent_id');
-- Once for each batch of a client's records, whatever its size.
CREATE TRIGGER heads_event AFTER INSERT OR UPDATE ON audit.heads
  FOR EACH ROW EXECUTE FUNCTION notify_event('audit.appended', 'seq');
-- A stream ends with its session, and when its user may do more or less than before.
CREATE TRIGGER sessions_event AFTER DELETE ON sessions
  FOR EACH ROW EXECUTE FUNCTION notify_event('session.ended', 'id');
CREATE TRIGGER users_event AFTER UPDATE ON users
  FOR EACH ROW WHEN (OLD.role IS DISTINCT FROM NEW.role)
  EXECUTE FUNCTION notify_event('user.changed', 'id');
RESET ROLE;

-- Who asked to be told. The api can add somebody by the function below and can read nobody.
DO $$
BEGIN
  -- Owns nothing but that function.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'deployclaw_waitlist') THEN
    CREATE ROLE deployclaw_waitlist NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
END
$$;
CREATE SCHEMA waitlist AUTHORIZATION deployclaw_owner;
GRANT USAGE, CREATE ON SCHEMA waitlist TO deployclaw_waitlist;
GRANT USAGE ON SCHEMA public TO deployclaw_waitlist;

SET ROLE deployclaw_owner;
CREATE TABLE waitlist.entries (
  email text PRIMARY KEY CHECK (email = lower(email) AND length(email) <= 254),
  name text CHECK (length(name) <= 100),
  company text CHECK (length(company) <= 100),
  message text CHECK (length(message) <= 2000),
  created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE waitlist.entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE waitlist.entries FORCE ROW LEVEL SECURITY;
CREATE POLICY writer ON waitlist.entries FOR INSERT TO deployclaw_waitlist WITH CHECK (true);
CREATE POLICY operator ON waitlist.entries FOR SELECT TO deployclaw_readonly USING (true);
GRANT INSERT ON waitlist.entries TO deployclaw_waitlist;
GRANT USAGE ON SCHEMA waitlist TO deployclaw_api, deployclaw_readonly;
GRANT SELECT ON waitlist.entries TO deployclaw_readonly;
RESET ROLE;

-- Adds somebody; who is there already stays as they are, and the caller is told nothing either way.
CREATE FUNCTION waitlist.join(new_email text, new_name text, new_company text, new_message text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  INSERT INTO waitlist.entries (email, name, company, message)
    VALUES (new_email, new_name, new_company, new_message) ON CONFLICT DO NOTHING
$$;
ALTER FUNCTION waitlist.join(text, text, text, text) OWNER TO deployclaw_waitlist;
REVOKE ALL ON FUNCTION waitlist.join(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION waitlist.join(text, text, text, text) TO deployclaw_api;

-- Who has an agent's own page open. The row begins as a ticket (good once, for a minute) and becomes
-- a cookie of that agent's host. It is worth something only while its user has the sign-in it was
-- made in: a session that step-up replaces keeps its created_at.
SET ROLE deployclaw_owner;
CREATE TABLE page_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  agent_id uuid NOT NULL,
  user_id uuid NOT NULL,
  session_created_at timestamptz NOT NULL,
  token_hash bytea NOT NULL UNIQUE,  -- SHA-256 of the ticket, then of the cookie's token
  redeemed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (agent_id, client_id) REFERENCES agents (id, client_id) ON DELETE CASCADE,
  FOREIGN KEY (user_id, client_id) REFERENCES users (id, client_id) ON DELETE CASCADE
);
CREATE INDEX page_sessions_age ON page_sessions (client_id, created_at);
ALTER TABLE page_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE page_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON page_sessions TO deployclaw_api
  USING (client_id = current_client()) WITH CHECK (client_id = current_client());
CREATE POLICY lookup ON page_sessions TO deployclaw_auth USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON page_sessions TO deployclaw_api;
GRANT SELECT, UPDATE (token_hash, redeemed) ON page_sessions TO deployclaw_auth;
CREATE POLICY lookup ON agents FOR SELECT TO deployclaw_auth USING (true);
CREATE POLICY lookup ON agent_observations FOR SELECT TO deployclaw_auth USING (true);
GRANT SELECT (id, runtime, desired_state) ON agents TO deployclaw_auth;
GRANT SELECT (agent_id, address) ON agent_observations TO deployclaw_auth;
RESET ROLE;

-- Turns a ticket into the cookie `cookie`; false when there is no such ticket for this agent (any more).
CREATE FUNCTION auth.redeem_page_ticket(ticket bytea, cookie bytea, wanted_agent uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH redeemed AS (
    UPDATE public.page_sessions SET token_hash = cookie, redeemed = true
    WHERE token_hash = ticket AND NOT redeemed AND agent_id = wanted_agent
      AND created_at > clock_timestamp() - interval '60 seconds'
    RETURNING 1)
  SELECT EXISTS (SELECT FROM redeemed)
$$;

-- Whose page a cookie opens, as long as they may: the sign-in lives, the role suffices, the client is
-- active. `address` is null when the agent has none.
CREATE FUNCTION auth.find_page(cookie bytea, wanted_agent uuid, idle interval)
RETURNS TABLE (client_id uuid, email text, vault_salt bytea, runtime text, desired_state text, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT p.client_id, u.email, c.vault_salt, a.runtime, a.desired_state, host(o.address)
  FROM public.page_sessions p
  JOIN public.users u ON u.id = p.user_id
  JOIN public.clients c ON c.id = p.client_id
  JOIN public.agents a ON a.id = p.agent_id
  LEFT JOIN public.agent_observations o ON o.agent_id = p.agent_id
  WHERE p.token_hash = cookie AND p.redeemed AND p.agent_id = wanted_agent
    AND u.role IN ('owner', 'admin', 'member') AND c.status = 'active'
    AND EXISTS (SELECT FROM public.sessions s
                WHERE s.user_id = p.user_id AND s.created_at = p.session_created_at
                  AND s.level = 'full' AND s.expires_at > now() AND s.last_seen_at > now() - idle)
$$;
ALTER FUNCTION auth.redeem_page_ticket(bytea, bytea, uuid) OWNER TO deployclaw_auth;
ALTER FUNCTION auth.find_page(bytea, uuid, interval) OWNER TO deployclaw_auth;
REVOKE ALL ON FUNCTION auth.redeem_page_ticket(bytea, bytea, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION auth.find_page(bytea, uuid, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.redeem_page_ticket(bytea, bytea, uuid) TO deployclaw_api;
GRANT EXECUTE ON FUNCTION auth.find_page(bytea, uuid, interval) TO deployclaw_api;
