-- Records go from what tells of them into the log as rows of a type: they were put together as JSON, into
-- one array, and taken apart again, twice. What the functions promise, and every hash, stays as it was.
SET ROLE deployclaw_owner;
CREATE TYPE audit.event AS (
  client_id uuid,
  agent_id uuid,
  actor_type text,
  actor_id text,
  action_type text,
  target text,
  outcome text,
  metadata jsonb,
  ip inet
);
RESET ROLE;

-- Chains events and writes them, in their order. For the functions below; answers how many.
CREATE FUNCTION audit.append_events(events audit.event[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
  event audit.event;
  tenant uuid := nullif(current_setting('deployclaw.client_id', true), '')::uuid;
  head audit.heads;
  moment timestamptz;
  partition_end timestamptz := '-infinity';
  digest bytea;
  sequences bigint[] := '{}';
  moments timestamptz[] := '{}';
  previous bytea[] := '{}';
  digests bytea[] := '{}';
BEGIN
  FOREACH event IN ARRAY events LOOP
    IF event.client_id IS NULL THEN
      RAISE EXCEPTION 'audit event without a client' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The api speaks for one client at a time; it must not write into another one's log.
    IF session_user = 'deployclaw_api' AND event.client_id IS DISTINCT FROM tenant THEN
      RAISE EXCEPTION 'audit event for another client' USING ERRCODE = 'insufficient_privilege';
    END IF;

    IF event.client_id IS DISTINCT FROM head.client_id THEN
      PERFORM audit.keep_head(head);
      PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || event.client_id::text, 0));
      SELECT * INTO head FROM audit.heads h WHERE h.client_id = event.client_id;
      IF NOT FOUND THEN
        head := (event.client_id, 0, decode(repeat('00', 32), 'hex'), '-infinity'::timestamptz);
      END IF;
    END IF;
    -- Time never runs backwards within a chain, whatever the clock does.
    moment := greatest(clock_timestamp(), head.at + interval '1 microsecond');
    IF moment >= partition_end THEN
      PERFORM audit.ensure_partition(moment);
      partition_end := (date_trunc('month', moment AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    END IF;
    digest := audit.record_hash(
      head.hash, event.client_id, head.seq + 1, moment, event.agent_id, event.actor_type, event.actor_id,
      event.action_type, event.target, event.outcome, coalesce(event.metadata, '{}'), event.ip);
    sequences := array_append(sequences, head.seq + 1);
    moments := array_append(moments, moment);
    previous := array_append(previous, head.hash);
    digests := array_append(digests, digest);
    head := (event.client_id, head.seq + 1, digest, moment);
  END LOOP;
  INSERT INTO public.audit_logs (agent_id, client_id, action_type, target, metadata, ip_address,
                                 created_at, actor_type, actor_id, outcome, seq, prev_hash, hash)
    SELECT agent_id, client_id, action_type, target, coalesce(metadata, '{}'), ip, at, actor_type,
           actor_id, outcome, sequence, before, hash
      FROM unnest(events, sequences, moments, previous, digests)
        AS t(client_id, agent_id, actor_type, actor_id, action_type, target, outcome, metadata, ip,
             sequence, at, before, hash);
  PERFORM audit.keep_head(head);
  RETURN cardinality(digests);
END
$$;
ALTER FUNCTION audit.append_events(audit.event[]) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.append_events(audit.event[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.append_events(audit.event[]) TO deployclaw_audit_writer;

CREATE OR REPLACE FUNCTION audit.append(events jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  RETURN audit.append_events(ARRAY(
    SELECT ("clientId", "agentId", "actorType", "actorId", "actionType", target, outcome, metadata, ip)::audit.event
      FROM ROWS FROM (jsonb_to_recordset(events)
        AS ("clientId" uuid, "agentId" uuid, "actorType" text, "actorId" text, "actionType" text,
            target text, outcome text, metadata jsonb, ip inet)) WITH ORDINALITY
        AS t("clientId", "agentId", "actorType", "actorId", "actionType", target, outcome, metadata, ip, place)
      ORDER BY place));
END
$$;

-- One event of a client's agent: what it was about to do, how that ended, or both. As before, but for
-- what it answers. Both texts are read under one subtransaction, since nearly all are well-formed. Its
-- caller has set the search path.
DROP FUNCTION audit.egress_event(uuid, uuid, text, text);
CREATE FUNCTION audit.egress_event(client uuid, agent uuid, intent_text text, outcome_text text) RETURNS audit.event
LANGUAGE plpgsql STABLE AS $$
DECLARE
  named uuid := nullif(agent, '00000000-0000-0000-0000-000000000000');
  intent jsonb := '{}';
  result jsonb := '{"outcome": "pending"}';
  both_parts jsonb;
  details jsonb;
  details_text text;
  tester uuid;
BEGIN
  BEGIN
    IF intent_text <> '' THEN intent := intent_text; END IF;
    IF outcome_text <> '' THEN result := outcome_text; END IF;
    IF jsonb_typeof(intent) <> 'object' OR jsonb_typeof(coalesce(intent -> 'metadata', '{}')) <> 'object'
       OR jsonb_typeof(result) <> 'object' OR jsonb_typeof(coalesce(result -> 'metadata', '{}')) <> 'object' THEN
      RAISE data_exception;
    END IF;
  EXCEPTION WHEN data_exception THEN
    intent := audit.object_of(intent_text);
    result := CASE WHEN outcome_text = '' THEN '{"outcome": "pending"}' ELSE audit.object_of(outcome_text) END;
  END;
  both_parts := intent || result;
  details := coalesce(intent -> 'metadata', '{}') || coalesce(result -> 'metadata', '{}');
  IF both_parts ->> 'actionType' = 'credential_tested' THEN
    tester := audit.tester_of(client, named, details ->> 'testId');
  END IF;
  details_text := details::text;
  IF octet_length(details_text) > 16384 THEN
    details := jsonb_build_object('cut', 'the record was larger than 16 KiB');
  ELSIF strpos(details_text, 'null') > 0 THEN
    details := jsonb_strip_nulls(details);
  END IF;
  RETURN (client, named,
          CASE WHEN tester IS NOT NULL THEN 'user' WHEN named IS NULL THEN 'system' ELSE 'agent' END,
          coalesce(tester, named)::text,
          left(coalesce(both_parts ->> 'actionType', 'api_call'), 64),
          left(both_parts ->> 'target', 2048),
          CASE WHEN both_parts ->> 'outcome' IN ('success', 'denied', 'failure', 'pending')
               THEN both_parts ->> 'outcome' ELSE 'failure' END,
          details,
          NULL)::audit.event;
END
$$;
ALTER FUNCTION audit.egress_event(uuid, uuid, text, text) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.egress_event(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.egress_event(uuid, uuid, text, text) TO deployclaw_audit_writer;

CREATE OR REPLACE FUNCTION audit.append_egress(spool_host text, from_position bigint, to_position bigint,
                                               clients uuid[], agents uuid[], intents text[], outcomes text[],
                                               charges jsonb)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  known bigint;
BEGIN
  INSERT INTO public.egress_spools (host) VALUES (spool_host) ON CONFLICT DO NOTHING;
  SELECT position INTO known FROM public.egress_spools WHERE host = spool_host FOR UPDATE;
  IF known <> from_position OR to_position < from_position THEN RETURN known; END IF;
  PERFORM audit.append_events(ARRAY(
    SELECT audit.egress_event(client, agent, intent, outcome)
      FROM unnest(clients, agents, intents, outcomes) WITH ORDINALITY AS t(client, agent, intent, outcome, place)
      ORDER BY place));
  IF charges <> '{}' THEN PERFORM audit.count_charges(charges); END IF;
  UPDATE public.egress_spools SET position = to_position, updated_at = now() WHERE host = spool_host;
  RETURN to_position;
END
$$;
