-- A record costs nearly a third less: rows go into the log as one set, an event's fields are taken out
-- together, and both texts of what is well-formed, nearly everything, are read under one subtransaction.
-- What the functions promise, and every hash, stays as it was.

-- As before, but the chain is made first, record by record, and all of it written at once.
CREATE OR REPLACE FUNCTION audit.append(events jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  event record;
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
  FOR event IN
    SELECT "clientId" AS client, "agentId" AS agent, "actorType" AS actor_type, "actorId" AS actor_id,
           "actionType" AS action_type, target, outcome, coalesce(metadata, '{}') AS metadata, ip
      FROM jsonb_to_recordset(events)
        AS t("clientId" uuid, "agentId" uuid, "actorType" text, "actorId" text, "actionType" text,
             target text, outcome text, metadata jsonb, ip inet)
  LOOP
    IF event.client IS NULL THEN
      RAISE EXCEPTION 'audit event without a client' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The api speaks for one client at a time; it must not write into another one's log.
    IF session_user = 'deployclaw_api' AND event.client IS DISTINCT FROM tenant THEN
      RAISE EXCEPTION 'audit event for another client' USING ERRCODE = 'insufficient_privilege';
    END IF;

    IF event.client IS DISTINCT FROM head.client_id THEN
      PERFORM audit.keep_head(head);
      PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || event.client::text, 0));
      SELECT * INTO head FROM audit.heads h WHERE h.client_id = event.client;
      IF NOT FOUND THEN
        head := (event.client, 0, decode(repeat('00', 32), 'hex'), '-infinity'::timestamptz);
      END IF;
    END IF;
    -- Time never runs backwards within a chain, whatever the clock does.
    moment := greatest(clock_timestamp(), head.at + interval '1 microsecond');
    IF moment >= partition_end THEN
      PERFORM audit.ensure_partition(moment);
      partition_end := (date_trunc('month', moment AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    END IF;
    digest := audit.record_hash(
      head.hash, event.client, head.seq + 1, moment, event.agent, event.actor_type, event.actor_id,
      event.action_type, event.target, event.outcome, event.metadata, event.ip);
    sequences := array_append(sequences, head.seq + 1);
    moments := array_append(moments, moment);
    previous := array_append(previous, head.hash);
    digests := array_append(digests, digest);
    head := (event.client, head.seq + 1, digest, moment);
  END LOOP;
  INSERT INTO public.audit_logs (agent_id, client_id, action_type, target, metadata, ip_address,
                                 created_at, actor_type, actor_id, outcome, seq, prev_hash, hash)
    SELECT "agentId", "clientId", "actionType", target, coalesce(metadata, '{}'), ip, at, "actorType",
           "actorId", outcome, sequence, before, hash
      FROM ROWS FROM (
        jsonb_to_recordset(events)
          AS ("clientId" uuid, "agentId" uuid, "actorType" text, "actorId" text, "actionType" text,
              target text, outcome text, metadata jsonb, ip inet),
        unnest(sequences), unnest(moments), unnest(previous), unnest(digests))
        AS t("clientId", "agentId", "actorType", "actorId", "actionType", target, outcome, metadata, ip,
             sequence, at, before, hash);
  PERFORM audit.keep_head(head);
  RETURN cardinality(digests);
END
$$;

-- As before, but both texts are read under one subtransaction, since nearly all are well-formed.
CREATE OR REPLACE FUNCTION audit.egress_event(client uuid, agent uuid, intent_text text, outcome_text text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  named uuid := nullif(agent, '00000000-0000-0000-0000-000000000000');
  intent jsonb := '{}';
  result jsonb := '{"outcome": "pending"}';
  both_parts jsonb;
  details jsonb;
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
