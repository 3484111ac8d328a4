-- Requests that wait for a person. Egress asks by a function and can neither grant nor read; the api
-- grants and denies, and can neither ask nor use. A grant is used once, durably before its effect.
DO $$
BEGIN
  -- Owns nothing but the functions below.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'deployclaw_approver') THEN
    CREATE ROLE deployclaw_approver NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
END
$$;
GRANT USAGE ON SCHEMA public, audit TO deployclaw_approver;
CREATE SCHEMA approval AUTHORIZATION deployclaw_owner;
GRANT USAGE, CREATE ON SCHEMA approval TO deployclaw_approver;
GRANT EXECUTE ON FUNCTION audit.append(jsonb) TO deployclaw_approver;

SET ROLE deployclaw_owner;
CREATE TABLE approvals (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  agent_id uuid NOT NULL,
  -- SHA-256 of the canonical request, before a secret is put in.
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  scope text NOT NULL CHECK (length(scope) BETWEEN 1 AND 64),
  target text NOT NULL CHECK (length(target) <= 2048),
  request jsonb NOT NULL,          -- the request as it is shown to a person
  request_bytes integer NOT NULL,  -- of its text
  state text NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'granted', 'denied', 'expired', 'used')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  decided_at timestamptz,
  decided_by uuid,  -- a user, who may be gone by now
  used_at timestamptz,
  FOREIGN KEY (agent_id, client_id) REFERENCES agents (id, client_id) ON DELETE CASCADE
);
-- The same request of the same agent is one row as long as it may still go out.
CREATE UNIQUE INDEX approvals_live ON approvals (agent_id, digest)
  WHERE state IN ('pending', 'granted');
CREATE INDEX approvals_client ON approvals (client_id, created_at DESC, id DESC);
CREATE INDEX approvals_agent ON approvals (agent_id, created_at DESC, id DESC);
CREATE INDEX approvals_expiry ON approvals (expires_at) WHERE state IN ('pending', 'granted');

ALTER TABLE approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE approvals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON approvals TO deployclaw_api, deployclaw_readonly
  USING (client_id = current_client()) WITH CHECK (client_id = current_client());
CREATE POLICY approver ON approvals TO deployclaw_approver USING (true) WITH CHECK (true);
CREATE POLICY approver ON agents FOR SELECT TO deployclaw_approver USING (true);
GRANT SELECT, UPDATE (state, decided_at, decided_by) ON approvals TO deployclaw_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON approvals TO deployclaw_approver;
GRANT SELECT (id, client_id) ON agents TO deployclaw_approver;
-- What agents wrote is not the readonly role's.
GRANT SELECT (id, client_id, agent_id, scope, target, state, created_at, expires_at, decided_at,
  decided_by, used_at) ON approvals TO deployclaw_readonly;

-- A state goes forward only, and each role takes its own steps: whoever writes to the table, a person's
-- yes can neither be made up by egress nor given twice.
CREATE FUNCTION approval.check_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
  by_api boolean := current_user = 'deployclaw_api';
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'pending' THEN
      RAISE EXCEPTION 'an approval begins as pending' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
  END IF;
  IF (by_api AND OLD.state = 'pending' AND NEW.state IN ('granted', 'denied')
      AND OLD.expires_at > clock_timestamp() AND NEW.decided_by IS NOT NULL)
     OR (NOT by_api AND OLD.state IN ('pending', 'granted') AND NEW.state = 'expired')
     OR (NOT by_api AND OLD.state = 'granted' AND NEW.state = 'used') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'an approval does not go from % to %', OLD.state, NEW.state
    USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER approvals_step BEFORE INSERT OR UPDATE ON approvals
  FOR EACH ROW EXECUTE FUNCTION approval.check_step();

-- Who waits hears of it: {clientId, agentId, id, state}.
CREATE FUNCTION approval.notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  PERFORM pg_notify('deployclaw_approvals',
    jsonb_build_object('clientId', NEW.client_id, 'agentId', NEW.agent_id, 'id', NEW.id,
                       'state', NEW.state)::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER approvals_notify AFTER INSERT OR UPDATE OF state ON approvals
  FOR EACH ROW EXECUTE FUNCTION approval.notify();
GRANT USAGE ON SCHEMA approval TO deployclaw_egress;
RESET ROLE;
SET ROLE deployclaw_approver;

-- One audit record about an approval.
CREATE FUNCTION approval.tell(about approvals, action text, by text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public AS $$
  SELECT audit.append(jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'clientId', about.client_id, 'agentId', about.agent_id, 'actorType', by,
    'actorId', CASE WHEN by = 'agent' THEN about.agent_id END,
    'actionType', action, 'target', about.target, 'outcome', 'success',
    'metadata', jsonb_build_object('approvalId', about.id, 'scope', about.scope,
                                   'digest', encode(about.digest, 'hex'))))))
$$;

-- Ends what is over, of one agent or (null) of some client: one at a time, since each one's audit chain
-- is locked until the end. Answers how many. A row that somebody else works on is left for next time.
CREATE FUNCTION approval.expire(wanted_agent uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  one approvals;
  ended bigint := 0;
BEGIN
  FOR one IN
    UPDATE approvals SET state = 'expired' WHERE id IN (
      SELECT id FROM approvals
       WHERE state IN ('pending', 'granted') AND expires_at <= clock_timestamp()
         AND (agent_id = wanted_agent OR (wanted_agent IS NULL AND client_id = (
                SELECT client_id FROM approvals WHERE state IN ('pending', 'granted')
                   AND expires_at <= clock_timestamp() LIMIT 1)))
       LIMIT 500 FOR UPDATE SKIP LOCKED)
    RETURNING * LOOP
    PERFORM approval.tell(one, 'approval_expired', 'system');
    ended := ended + 1;
  END LOOP;
  RETURN ended;
END
$$;

-- Uses a grant, or tells why there is none to use: used (by this very call), pending, denied, expired,
-- gone (used by another call, or no such row).
CREATE FUNCTION approval.take(wanted_client uuid, wanted_agent uuid, wanted uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  one approvals;
BEGIN
  UPDATE approvals SET state = 'used', used_at = clock_timestamp()
   WHERE id = wanted AND client_id = wanted_client AND agent_id = wanted_agent
     AND state = 'granted' AND expires_at > clock_timestamp()
  RETURNING * INTO one;
  IF FOUND THEN
    PERFORM approval.tell(one, 'approval_used', 'agent');
    RETURN 'used';
  END IF;
  SELECT * INTO one FROM approvals
   WHERE id = wanted AND client_id = wanted_client AND agent_id = wanted_agent;
  IF NOT FOUND OR one.state = 'used' THEN RETURN 'gone'; END IF;
  IF one.state IN ('pending', 'granted') AND one.expires_at <= clock_timestamp() THEN
    PERFORM approval.expire(wanted_agent);
    RETURN 'expired';
  END IF;
  RETURN CASE one.state WHEN 'granted' THEN 'pending' ELSE one.state END;
END
$$;

-- What an agent asks for. Uses a grant that is there for exactly this request (used); tells of a denial
-- as long as it lasts (denied); else joins the row that waits already, or adds one (pending). Refused:
-- full (so many wait already), stranger (not this client's agent), unreadable (the text is no JSON).
CREATE FUNCTION approval.ask(wanted_client uuid, wanted_agent uuid, wanted_digest bytea,
                             wanted_scope text, wanted_target text, rendered bytea,
                             lifetime interval, most_pending integer)
RETURNS TABLE (verdict text, approval_id uuid, until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  one approvals;
  taken text;
  shown jsonb;
BEGIN
  IF NOT EXISTS (SELECT FROM agents WHERE id = wanted_agent AND client_id = wanted_client) THEN
    RETURN QUERY SELECT 'stranger', NULL::uuid, NULL::timestamptz;
    RETURN;
  END IF;
  -- One at a time for each agent: two that ask at once are one row, and are counted.
  PERFORM pg_advisory_xact_lock(hashtextextended('approval:' || wanted_agent::text, 0));
  -- Rows before the audit chain, as whoever decides locks them.
  PERFORM id FROM approvals
   WHERE agent_id = wanted_agent AND state IN ('pending', 'granted') ORDER BY id FOR UPDATE;
  PERFORM approval.expire(wanted_agent);
  SELECT * INTO one FROM approvals
   WHERE agent_id = wanted_agent AND digest = wanted_digest
     AND (state IN ('pending', 'granted') OR (state = 'denied' AND expires_at > clock_timestamp()))
   ORDER BY created_at DESC LIMIT 1;
  IF FOUND THEN
    taken := approval.take(wanted_client, wanted_agent, one.id);
    IF taken IN ('used', 'denied', 'pending') THEN
      RETURN QUERY SELECT taken, one.id, one.expires_at;
      RETURN;
    END IF;
  END IF;
  IF (SELECT count(*) FROM approvals WHERE agent_id = wanted_agent AND state = 'pending')
     >= most_pending THEN
    RETURN QUERY SELECT 'full', NULL::uuid, NULL::timestamptz;
    RETURN;
  END IF;
  BEGIN
    shown := convert_from(rendered, 'UTF8')::jsonb;
  EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN QUERY SELECT 'unreadable', NULL::uuid, NULL::timestamptz;
    RETURN;
  END;
  INSERT INTO approvals (client_id, agent_id, digest, scope, target, request, request_bytes, expires_at)
  VALUES (wanted_client, wanted_agent, wanted_digest, left(wanted_scope, 64), left(wanted_target, 2048),
          shown, octet_length(rendered), clock_timestamp() + lifetime)
  RETURNING * INTO one;
  PERFORM approval.tell(one, 'approval_requested', 'agent');
  -- An agent that asks all day keeps its newest hundred.
  DELETE FROM approvals WHERE id IN (
    SELECT id FROM approvals WHERE agent_id = wanted_agent AND state NOT IN ('pending', 'granted')
     ORDER BY created_at DESC OFFSET 100);
  RETURN QUERY SELECT 'pending', one.id, one.expires_at;
END
$$;

-- Ended ones are kept for thirty days. To be called again while it answers more than 0.
CREATE FUNCTION approval.tidy() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  DELETE FROM approvals WHERE state NOT IN ('pending', 'granted')
    AND expires_at < clock_timestamp() - interval '30 days';
  RETURN approval.expire(NULL);
END
$$;

RESET ROLE;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA approval FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  approval.ask(uuid, uuid, bytea, text, text, bytea, interval, integer),
  approval.take(uuid, uuid, uuid), approval.tidy() TO deployclaw_egress;
