-- Many records at once cost less each: egress hands over hundreds, mostly of one client. What both
-- functions promise, and every hash, stays as it was.

-- As before, but a chain's end is read once and written once for each run of one client's records,
-- and the partition is looked for once a month's end may have been passed.
CREATE OR REPLACE FUNCTION audit.append(events jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  event jsonb;
  tenant uuid := nullif(current_setting('deployclaw.client_id', true), '')::uuid;
  owner_client uuid;
  head audit.heads;
  moment timestamptz;
  partition_end timestamptz := '-infinity';
  digest bytea;
  written bigint := 0;
BEGIN
  FOR event IN SELECT value FROM jsonb_array_elements(events) LOOP
    owner_client := (event ->> 'clientId')::uuid;
    IF owner_client IS NULL THEN
      RAISE EXCEPTION 'audit event without a client' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The api speaks for one client at a time; it must not write into another one's log.
    IF session_user = 'deployclaw_api' AND owner_client IS DISTINCT FROM tenant THEN
      RAISE EXCEPTION 'audit event for another client' USING ERRCODE = 'insufficient_privilege';
    END IF;

    IF owner_client IS DISTINCT FROM head.client_id THEN
      PERFORM audit.keep_head(head);
      PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || owner_client::text, 0));
      SELECT * INTO head FROM audit.heads h WHERE h.client_id = owner_client;
      IF NOT FOUND THEN
        head := (owner_client, 0, decode(repeat('00', 32), 'hex'), '-infinity'::timestamptz);
      END IF;
    END IF;
    -- Time never runs backwards within a chain, whatever the clock does.
    moment := greatest(clock_timestamp(), head.at + interval '1 microsecond');
    IF moment >= partition_end THEN
      PERFORM audit.ensure_partition(moment);
      partition_end := (date_trunc('month', moment AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    END IF;
    digest := audit.record_hash(
      head.hash, owner_client, head.seq + 1, moment,
      (event ->> 'agentId')::uuid, event ->> 'actorType', event ->> 'actorId',
      event ->> 'actionType', event ->> 'target', event ->> 'outcome',
      coalesce(event -> 'metadata', '{}'::jsonb), (event ->> 'ip')::inet);
    INSERT INTO public.audit_logs (agent_id, client_id, action_type, target, metadata, ip_address,
                                   created_at, actor_type, actor_id, outcome, seq, prev_hash, hash)
    VALUES ((event ->> 'agentId')::uuid, owner_client, event ->> 'actionType', event ->> 'target',
            coalesce(event -> 'metadata', '{}'::jsonb), (event ->> 'ip')::inet, moment,
            event ->> 'actorType', event ->> 'actorId', event ->> 'outcome', head.seq + 1,
            head.hash, digest);
    head := (owner_client, head.seq + 1, digest, moment);
    written := written + 1;
  END LOOP;
  PERFORM audit.keep_head(head);
  RETURN written;
END
$$;

-- Writes the end of a chain back; the caller holds its lock. Nothing for a null head.
CREATE FUNCTION audit.keep_head(head audit.heads) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public AS $$
  INSERT INTO audit.heads (client_id, seq, hash, at)
    SELECT (head).client_id, (head).seq, (head).hash, (head).at WHERE (head).client_id IS NOT NULL
    ON CONFLICT (client_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at = excluded.at
$$;
ALTER FUNCTION audit.keep_head(audit.heads) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.keep_head(audit.heads) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.keep_head(audit.heads) TO deployclaw_audit_writer;

-- As before, but the events are gathered in an array: growing one jsonb copies all of it each time.
CREATE OR REPLACE FUNCTION audit.append_egress(spool_host text, from_position bigint, to_position bigint,
                                               clients uuid[], agents uuid[], intents text[], outcomes text[])
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  known bigint;
BEGIN
  INSERT INTO public.egress_spools (host) VALUES (spool_host) ON CONFLICT DO NOTHING;
  SELECT position INTO known FROM public.egress_spools WHERE host = spool_host FOR UPDATE;
  IF known <> from_position OR to_position < from_position THEN RETURN known; END IF;
  PERFORM audit.append(coalesce(
    (SELECT jsonb_agg(audit.egress_event(client, agent, intent, outcome) ORDER BY place)
       FROM unnest(clients, agents, intents, outcomes)
            WITH ORDINALITY AS t(client, agent, intent, outcome, place)), '[]'));
  UPDATE public.egress_spools SET position = to_position, updated_at = now() WHERE host = spool_host;
  RETURN to_position;
END
$$;

-- One event of a client's agent, for audit.append(): what it was about to do, how that ended, or both.
-- Its caller has set the search path.
CREATE FUNCTION audit.egress_event(client uuid, agent uuid, intent_text text, outcome_text text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  named uuid := nullif(agent, '00000000-0000-0000-0000-000000000000');
  intent jsonb := audit.object_of(intent_text);
  result jsonb := CASE WHEN outcome_text = '' THEN '{"outcome": "pending"}' ELSE audit.object_of(outcome_text) END;
  both_parts jsonb := intent || result;
  details jsonb := coalesce(intent -> 'metadata', '{}') || coalesce(result -> 'metadata', '{}');
BEGIN
  IF octet_length(details::text) > 16384 THEN
    details := jsonb_build_object('cut', 'the record was larger than 16 KiB');
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'clientId', client, 'agentId', named,
    'actorType', CASE WHEN named IS NULL THEN 'system' ELSE 'agent' END,
    'actorId', named,
    'actionType', left(coalesce(both_parts ->> 'actionType', 'api_call'), 64),
    'target', left(both_parts ->> 'target', 2048),
    'outcome', CASE WHEN both_parts ->> 'outcome' IN ('success', 'denied', 'failure', 'pending')
                    THEN both_parts ->> 'outcome' ELSE 'failure' END,
    'metadata', details));
END
$$;
ALTER FUNCTION audit.egress_event(uuid, uuid, text, text) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.egress_event(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.egress_event(uuid, uuid, text, text) TO deployclaw_audit_writer;
