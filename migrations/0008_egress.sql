-- What egress needs: to hear of changes, and to write what agents did exactly once.
SET ROLE deployclaw_owner;

-- How far each host's spool of audit records has been written into the log.
CREATE TABLE egress_spools (
  host text PRIMARY KEY,
  position bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE egress_spools ENABLE ROW LEVEL SECURITY;
ALTER TABLE egress_spools FORCE ROW LEVEL SECURITY;
CREATE POLICY writer ON egress_spools TO deployclaw_audit_writer USING (true) WITH CHECK (true);
CREATE POLICY reader ON egress_spools FOR SELECT TO deployclaw_egress USING (true);
GRANT SELECT, INSERT, UPDATE ON egress_spools TO deployclaw_audit_writer;
GRANT SELECT ON egress_spools TO deployclaw_egress;

-- Whoever compiles an agent's policy hears which client to look at again.
CREATE FUNCTION notify_policy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
  PERFORM pg_notify('deployclaw_policy', changed ->> TG_ARGV[0]);
  RETURN NULL;
END
$$;
CREATE TRIGGER clients_policy AFTER UPDATE OF status ON clients
  FOR EACH ROW EXECUTE FUNCTION notify_policy('id');
CREATE TRIGGER agents_policy AFTER INSERT OR DELETE OR UPDATE OF permissions, host ON agents
  FOR EACH ROW EXECUTE FUNCTION notify_policy('client_id');
CREATE TRIGGER credentials_policy AFTER INSERT OR DELETE OR UPDATE OF kind, hosts, placeholder, encrypted
  ON agent_credentials FOR EACH ROW EXECUTE FUNCTION notify_policy('client_id');
CREATE TRIGGER observations_policy AFTER INSERT OR DELETE OR UPDATE OF address ON agent_observations
  FOR EACH ROW EXECUTE FUNCTION notify_policy('client_id');
RESET ROLE;

-- A record's text as an object; what is none must not keep the others out of the log.
CREATE FUNCTION audit.object_of(record text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
DECLARE
  value jsonb;
BEGIN
  IF record = '' THEN RETURN '{}'; END IF;
  value := record::jsonb;
  IF jsonb_typeof(value) = 'object' AND jsonb_typeof(coalesce(value -> 'metadata', '{}')) = 'object' THEN
    RETURN value;
  END IF;
  RETURN '{"actionType": "audit_record_unreadable", "outcome": "failure"}';
EXCEPTION WHEN data_exception THEN
  RETURN '{"actionType": "audit_record_unreadable", "outcome": "failure"}';
END
$$;
ALTER FUNCTION audit.object_of(text) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.object_of(text) FROM PUBLIC;

-- Writes one stretch of a host's spool, [from_position, to_position), and moves its position, in one
-- transaction: whatever is killed whenever, each record comes into the log exactly once. Answers the
-- position afterwards; when that is not to_position, nothing was written and the caller's idea of
-- the position was wrong.
--
-- Each element is one event of clients[i]'s agent agents[i]: what it was about to do (intents[i]), how
-- that ended (outcomes[i]), or both; JSON objects {actionType, target, outcome, metadata}. They come
-- from a process that reads hostile bytes, so nothing in them says whose they are, and sizes are cut.
CREATE FUNCTION audit.append_egress(spool_host text, from_position bigint, to_position bigint,
                                    clients uuid[], agents uuid[], intents text[], outcomes text[])
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  known bigint;
  intent jsonb;
  result jsonb;
  both_parts jsonb;
  details jsonb;
  events jsonb := '[]';
BEGIN
  INSERT INTO public.egress_spools (host) VALUES (spool_host) ON CONFLICT DO NOTHING;
  SELECT position INTO known FROM public.egress_spools WHERE host = spool_host FOR UPDATE;
  IF known <> from_position OR to_position < from_position THEN RETURN known; END IF;
  FOR i IN 1 .. coalesce(array_length(clients, 1), 0) LOOP
    intent := audit.object_of(intents[i]);
    result := CASE WHEN outcomes[i] = '' THEN '{"outcome": "pending"}' ELSE audit.object_of(outcomes[i]) END;
    both_parts := intent || result;
    details := coalesce(intent -> 'metadata', '{}') || coalesce(result -> 'metadata', '{}');
    IF octet_length(details::text) > 16384 THEN
      details := jsonb_build_object('cut', 'the record was larger than 16 KiB');
    END IF;
    events := events || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
      'clientId', clients[i], 'agentId', nullif(agents[i], '00000000-0000-0000-0000-000000000000'),
      'actorType', CASE WHEN nullif(agents[i], '00000000-0000-0000-0000-000000000000') IS NULL
                        THEN 'system' ELSE 'agent' END,
      'actorId', nullif(agents[i], '00000000-0000-0000-0000-000000000000'),
      'actionType', left(coalesce(both_parts ->> 'actionType', 'api_call'), 64),
      'target', left(both_parts ->> 'target', 2048),
      'outcome', CASE WHEN both_parts ->> 'outcome' IN ('success', 'denied', 'failure', 'pending')
                      THEN both_parts ->> 'outcome' ELSE 'failure' END,
      'metadata', details)));
  END LOOP;
  PERFORM audit.append(events);
  UPDATE public.egress_spools SET position = to_position, updated_at = now() WHERE host = spool_host;
  RETURN to_position;
END
$$;
ALTER FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], text[])
  OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], text[])
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], text[])
  TO deployclaw_egress;
