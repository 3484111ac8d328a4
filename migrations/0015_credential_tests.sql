-- Test calls of credentials. A member asks the api; the call can only be made where the value is, so
-- egress takes the request, calls the service and answers with a verdict: never the value, never what
-- the service said. The api can ask and read, and cannot answer; egress has two functions, and can
-- neither ask nor see who did.
DO $$
BEGIN
  -- Owns nothing but the functions below.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'deployclaw_credential_tester') THEN
    CREATE ROLE deployclaw_credential_tester NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO deployclaw_credential_tester;
CREATE SCHEMA credential_test AUTHORIZATION deployclaw_owner;
GRANT USAGE, CREATE ON SCHEMA credential_test TO deployclaw_credential_tester;

SET ROLE deployclaw_owner;
CREATE TABLE credential_tests (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  agent_id uuid NOT NULL,
  credential text NOT NULL CHECK (length(credential) BETWEEN 1 AND 64),
  requested_by uuid NOT NULL,  -- a user, who may be gone by now
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  claimed_at timestamptz,      -- egress makes the call
  answered_at timestamptz,
  reason text CHECK (reason ~ '^[a-z_]{1,40}$'),  -- which says the verdict: domain/credential_testing.hpp
  status integer CHECK (status BETWEEN 100 AND 599),
  CHECK ((answered_at IS NULL) = (reason IS NULL)),
  CHECK (answered_at IS NULL OR claimed_at IS NOT NULL),
  FOREIGN KEY (agent_id, client_id) REFERENCES agents (id, client_id) ON DELETE CASCADE
);
CREATE INDEX credential_tests_waiting ON credential_tests (created_at) WHERE claimed_at IS NULL;
CREATE INDEX credential_tests_client ON credential_tests (client_id, created_at);
CREATE INDEX credential_tests_agent ON credential_tests (agent_id);
CREATE INDEX credential_tests_age ON credential_tests (created_at);

ALTER TABLE credential_tests ENABLE ROW LEVEL SECURITY;
ALTER TABLE credential_tests FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credential_tests TO deployclaw_api, deployclaw_readonly
  USING (client_id = current_client()) WITH CHECK (client_id = current_client());
CREATE POLICY tester ON credential_tests TO deployclaw_credential_tester USING (true) WITH CHECK (true);
CREATE POLICY writer ON credential_tests FOR SELECT TO deployclaw_audit_writer USING (true);
CREATE POLICY tester ON agents FOR SELECT TO deployclaw_credential_tester USING (true);
GRANT SELECT, INSERT (client_id, agent_id, credential, requested_by) ON credential_tests TO deployclaw_api;
GRANT SELECT ON credential_tests TO deployclaw_readonly;
GRANT SELECT, UPDATE (claimed_at, answered_at, reason, status), DELETE ON credential_tests
  TO deployclaw_credential_tester;
GRANT SELECT (id, client_id, agent_id, requested_by, claimed_at) ON credential_tests
  TO deployclaw_audit_writer;
GRANT SELECT (id, host) ON agents TO deployclaw_credential_tester;

-- Egress hears that something waits, and looks.
CREATE FUNCTION credential_test.notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  PERFORM pg_notify('deployclaw_credential_tests', NEW.id::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER credential_tests_notify AFTER INSERT ON credential_tests
  FOR EACH ROW EXECUTE FUNCTION credential_test.notify();
GRANT USAGE ON SCHEMA credential_test TO deployclaw_egress;
RESET ROLE;
SET ROLE deployclaw_credential_tester;

-- Takes what waits for agents of that host, each once. Who asked waits for thirty seconds: what could
-- not be answered within them is left. What is older than a week is dropped.
CREATE FUNCTION credential_test.claim(wanted_host text)
RETURNS TABLE (test uuid, client uuid, agent uuid, credential_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  DELETE FROM credential_tests WHERE created_at < clock_timestamp() - interval '7 days';
  RETURN QUERY
    UPDATE credential_tests t SET claimed_at = clock_timestamp() WHERE t.id IN (
      SELECT w.id FROM credential_tests w JOIN agents a ON a.id = w.agent_id
       WHERE w.claimed_at IS NULL AND w.created_at > clock_timestamp() - interval '25 seconds'
         AND a.host = wanted_host
       ORDER BY w.created_at LIMIT 100 FOR UPDATE OF w SKIP LOCKED)
    RETURNING t.id, t.client_id, t.agent_id, t.credential;
END
$$;

-- How it ended. False when nobody waits for it (any more), or it is another client's.
CREATE FUNCTION credential_test.answer(wanted uuid, wanted_client uuid, new_reason text, new_status integer)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH answered AS (
    UPDATE credential_tests
       SET answered_at = clock_timestamp(), reason = new_reason, status = new_status
     WHERE id = wanted AND client_id = wanted_client AND claimed_at IS NOT NULL
       AND answered_at IS NULL AND created_at > clock_timestamp() - interval '30 seconds'
    RETURNING 1)
  SELECT EXISTS (SELECT FROM answered)
$$;

RESET ROLE;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA credential_test FROM PUBLIC;
GRANT EXECUTE ON FUNCTION credential_test.claim(text),
  credential_test.answer(uuid, uuid, text, integer) TO deployclaw_egress;

-- Who asked for a test that egress makes; null when there is none such. The text comes from a process
-- that reads hostile bytes. Its caller has set the search path.
CREATE FUNCTION audit.tester_of(client uuid, agent uuid, test text) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF test IS NULL OR test !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN RETURN NULL; END IF;
  RETURN (SELECT requested_by FROM public.credential_tests t
           WHERE t.id = test::uuid AND t.client_id = client AND t.agent_id = agent
             AND t.claimed_at IS NOT NULL);
END
$$;
ALTER FUNCTION audit.tester_of(uuid, uuid, text) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.tester_of(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.tester_of(uuid, uuid, text) TO deployclaw_audit_writer;

-- As before, but a credential's test is told as the deed of who asked for it, which the table of tests
-- knows and the record does not decide.
CREATE OR REPLACE FUNCTION audit.egress_event(client uuid, agent uuid, intent_text text, outcome_text text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  named uuid := nullif(agent, '00000000-0000-0000-0000-000000000000');
  intent jsonb := audit.object_of(intent_text);
  result jsonb := CASE WHEN outcome_text = '' THEN '{"outcome": "pending"}' ELSE audit.object_of(outcome_text) END;
  both_parts jsonb := intent || result;
  details jsonb := coalesce(intent -> 'metadata', '{}') || coalesce(result -> 'metadata', '{}');
  tester uuid;
BEGIN
  IF both_parts ->> 'actionType' = 'credential_tested' THEN
    tester := audit.tester_of(client, named, details ->> 'testId');
  END IF;
  IF octet_length(details::text) > 16384 THEN
    details := jsonb_build_object('cut', 'the record was larger than 16 KiB');
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'clientId', client, 'agentId', named,
    'actorType', CASE WHEN tester IS NOT NULL THEN 'user' WHEN named IS NULL THEN 'system' ELSE 'agent' END,
    'actorId', coalesce(tester, named),
    'actionType', left(coalesce(both_parts ->> 'actionType', 'api_call'), 64),
    'target', left(both_parts ->> 'target', 2048),
    'outcome', CASE WHEN both_parts ->> 'outcome' IN ('success', 'denied', 'failure', 'pending')
                    THEN both_parts ->> 'outcome' ELSE 'failure' END,
    'metadata', details));
END
$$;
