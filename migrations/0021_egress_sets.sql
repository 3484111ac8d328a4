-- What a stretch of the spool tells is read, checked and encoded as one set: a function for each record,
-- and one more for its hash, cost more than the work they did. What the functions promise, and every
-- hash, stays as it was.
SET ROLE deployclaw_owner;
-- The metadata's text, which its size and the hash are taken from.
ALTER TYPE audit.event ADD ATTRIBUTE details text;
RESET ROLE;

-- As before; a function in SQL is planned anew in every transaction.
CREATE OR REPLACE FUNCTION audit.keep_head(head audit.heads) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF head.client_id IS NULL THEN RETURN; END IF;
  INSERT INTO audit.heads (client_id, seq, hash, at) VALUES (head.client_id, head.seq, head.hash, head.at)
    ON CONFLICT (client_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at = excluded.at;
END
$$;

-- Chains events and writes them, in their order. For the functions below; answers how many.
--
-- The hash of a record: SHA-256 over its fields in this order, each as its length in bytes (a big-endian
-- int4) and the bytes in UTF-8; a null is the length -1 alone. So no two different records encode alike.
--   'deployclaw/audit/v1', the hash before, client, seq, time, agent, actor type, actor, action type,
--   target, outcome, metadata, address
-- Times are microseconds since 1970 as decimal text, metadata is PostgreSQL's jsonb text, addresses are
-- in CIDR-less text form.
CREATE OR REPLACE FUNCTION audit.append_events(events audit.event[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
  tenant uuid := nullif(current_setting('deployclaw.client_id', true), '')::uuid;
  version CONSTANT bytea := convert_to('deployclaw/audit/v1', 'UTF8');
  -- What every encoding begins with; a hash has 32 bytes.
  beginning CONSTANT bytea := int4send(octet_length(version)) || version || int4send(32);
  clients CONSTANT uuid[] := ARRAY(SELECT client_id FROM unnest(events));
  -- What every encoding ends with, from the agent on.
  ends CONSTANT bytea[] := ARRAY(
    SELECT coalesce(int4send(octet_length(agent)) || agent, none) ||
           coalesce(int4send(octet_length(kind)) || kind, none) ||
           coalesce(int4send(octet_length(actor)) || actor, none) ||
           coalesce(int4send(octet_length(action)) || action, none) ||
           coalesce(int4send(octet_length(aim)) || aim, none) ||
           coalesce(int4send(octet_length(result)) || result, none) ||
           coalesce(int4send(octet_length(more)) || more, none) ||
           coalesce(int4send(octet_length(address)) || address, none)
      -- OFFSET 0: so that each is encoded once.
      FROM (SELECT int4send(-1) AS none,
                   convert_to(agent_id::text, 'UTF8') AS agent,
                   convert_to(actor_type, 'UTF8') AS kind,
                   convert_to(actor_id, 'UTF8') AS actor,
                   convert_to(action_type, 'UTF8') AS action,
                   convert_to(target, 'UTF8') AS aim,
                   convert_to(outcome, 'UTF8') AS result,
                   convert_to(details, 'UTF8') AS more,
                   convert_to(host(ip), 'UTF8') AS address
              FROM unnest(events) OFFSET 0) AS encoded);
  place integer := 0;
  ending bytea;
  head audit.heads;
  owner_field bytea;
  -- Of the record at hand. Times are microseconds since 1970.
  number bigint;
  moment bigint;
  digest bytea;
  number_text bytea;
  moment_text bytea;
  partition_end bigint := 0;
  numbers bigint[] := '{}';
  moments bigint[] := '{}';
  previous bytea[] := '{}';
  digests bytea[] := '{}';
BEGIN
  FOREACH ending IN ARRAY ends LOOP
    place := place + 1;
    IF clients[place] IS DISTINCT FROM head.client_id OR place = 1 THEN
      IF clients[place] IS NULL THEN
        RAISE EXCEPTION 'audit event without a client' USING ERRCODE = 'invalid_parameter_value';
      END IF;
      -- The api speaks for one client at a time; it must not write into another one's log.
      IF session_user = 'deployclaw_api' AND clients[place] IS DISTINCT FROM tenant THEN
        RAISE EXCEPTION 'audit event for another client' USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF place > 1 THEN
        PERFORM audit.keep_head((head.client_id, number, digest,
                                 timestamptz 'epoch' + moment * interval '1 microsecond')::audit.heads);
      END IF;
      PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || clients[place]::text, 0));
      SELECT * INTO head FROM audit.heads h WHERE h.client_id = clients[place];
      IF NOT FOUND THEN
        head := (clients[place], 0, decode(repeat('00', 32), 'hex'), timestamptz 'epoch');
      END IF;
      owner_field := convert_to(head.client_id::text, 'UTF8');
      owner_field := int4send(octet_length(owner_field)) || owner_field;
      number := head.seq;
      digest := head.hash;
      -- Time never runs backwards within a chain, whatever the clock does.
      moment := greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 1,
                         (extract(epoch FROM head.at) * 1000000)::bigint);
    END IF;
    number := number + 1;
    moment := moment + 1;
    IF moment >= partition_end THEN
      head.at := timestamptz 'epoch' + moment * interval '1 microsecond';
      PERFORM audit.ensure_partition(head.at);
      partition_end := extract(epoch FROM (date_trunc('month', head.at AT TIME ZONE 'UTC') + interval '1 month')
                                          AT TIME ZONE 'UTC')::bigint * 1000000;
    END IF;
    number_text := convert_to(number::text, 'UTF8');
    moment_text := convert_to(moment::text, 'UTF8');
    previous[place] := digest;
    digest := sha256(beginning || digest || owner_field ||
                     int4send(octet_length(number_text)) || number_text ||
                     int4send(octet_length(moment_text)) || moment_text || ending);
    numbers[place] := number;
    moments[place] := moment;
    digests[place] := digest;
  END LOOP;
  IF place = 0 THEN RETURN 0; END IF;
  INSERT INTO public.audit_logs (agent_id, client_id, action_type, target, metadata, ip_address,
                                 created_at, actor_type, actor_id, outcome, seq, prev_hash, hash)
    SELECT agent_id, client_id, action_type, target, metadata, ip,
           timestamptz 'epoch' + at * interval '1 microsecond', actor_type, actor_id, outcome, seq, before, hash
      FROM unnest(events, numbers, moments, previous, digests)
        AS t(client_id, agent_id, actor_type, actor_id, action_type, target, outcome, metadata, ip, details,
             seq, at, before, hash);
  PERFORM audit.keep_head((head.client_id, number, digest,
                           timestamptz 'epoch' + moment * interval '1 microsecond')::audit.heads);
  RETURN place;
END
$$;
DROP FUNCTION audit.record_hash(bytea, uuid, bigint, timestamptz, uuid, text, text, text, text, text, jsonb, inet);

CREATE OR REPLACE FUNCTION audit.append(events jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  RETURN audit.append_events(ARRAY(
    SELECT ("clientId", "agentId", "actorType", "actorId", "actionType", target, outcome,
            coalesce(metadata, '{}'), ip, coalesce(metadata, '{}')::text)::audit.event
      FROM ROWS FROM (jsonb_to_recordset(events)
        AS ("clientId" uuid, "agentId" uuid, "actorType" text, "actorId" text, "actionType" text,
            target text, outcome text, metadata jsonb, ip inet)) WITH ORDINALITY
        AS t("clientId", "agentId", "actorType", "actorId", "actionType", target, outcome, metadata, ip, place)
      ORDER BY place));
END
$$;

-- The events of clients' agents that are readable: what each was about to do, how that ended, or both.
-- Those of one client follow each other, in their order. What is no JSON raises data_exception; what is
-- no object, or has metadata that is none, is left out.
CREATE FUNCTION audit.readable_events(clients uuid[], agents uuid[], intents text[], outcomes text[])
RETURNS audit.event[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
BEGIN
  -- Each level computes what the next one needs more than once; OFFSET 0 keeps them apart.
  RETURN ARRAY(
    SELECT (client, named,
            CASE WHEN tester IS NOT NULL THEN 'user' WHEN named IS NULL THEN 'system' ELSE 'agent' END,
            coalesce(tester, named)::text,
            left(coalesce(action, 'api_call'), 64),
            left(CASE WHEN result ? 'target' THEN result ->> 'target' ELSE intent ->> 'target' END, 2048),
            CASE WHEN ending IN ('success', 'denied', 'failure', 'pending') THEN ending ELSE 'failure' END,
            kept, NULL, coalesce(kept_text, kept::text))::audit.event
      FROM (SELECT *,
                   CASE WHEN action = 'credential_tested'
                        THEN audit.tester_of(client, named, details ->> 'testId') END AS tester,
                   CASE WHEN octet_length(details_text) > 16384
                        THEN jsonb_build_object('cut', 'the record was larger than 16 KiB')
                        WHEN strpos(details_text, 'null') > 0 THEN jsonb_strip_nulls(details)
                        ELSE details END AS kept,
                   CASE WHEN octet_length(details_text) <= 16384 AND strpos(details_text, 'null') = 0
                        THEN details_text END AS kept_text
              FROM (SELECT *, details::text AS details_text
                      FROM (SELECT *,
                                   CASE WHEN result ? 'actionType' THEN result ->> 'actionType'
                                        ELSE intent ->> 'actionType' END AS action,
                                   CASE WHEN result ? 'outcome' THEN result ->> 'outcome'
                                        ELSE intent ->> 'outcome' END AS ending,
                                   begun || ended AS details
                              FROM (SELECT *, coalesce(intent -> 'metadata', '{}') AS begun,
                                           coalesce(result -> 'metadata', '{}') AS ended
                                      FROM (SELECT place, client,
                                                   nullif(agent, '00000000-0000-0000-0000-000000000000') AS named,
                                                   intent::jsonb AS intent, outcome::jsonb AS result
                                              FROM unnest(clients, agents, intents, outcomes) WITH ORDINALITY
                                                AS t(client, agent, intent, outcome, place) OFFSET 0) AS parsed
                                     WHERE jsonb_typeof(intent) = 'object' AND jsonb_typeof(result) = 'object'
                                    OFFSET 0) AS objects
                             WHERE jsonb_typeof(begun) = 'object' AND jsonb_typeof(ended) = 'object'
                            OFFSET 0) AS merged
                    OFFSET 0) AS spelled
            OFFSET 0) AS known
     ORDER BY client, place);
END
$$;
ALTER FUNCTION audit.readable_events(uuid[], uuid[], text[], text[]) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.readable_events(uuid[], uuid[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.readable_events(uuid[], uuid[], text[], text[]) TO deployclaw_audit_writer;

-- All of them: what is unreadable must not keep the others out of the log, and says that it was. A text
-- that is empty tells nothing.
CREATE FUNCTION audit.egress_events(clients uuid[], agents uuid[], intents text[], outcomes text[])
RETURNS audit.event[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
DECLARE
  events audit.event[];
BEGIN
  BEGIN
    events := audit.readable_events(clients, agents, intents, outcomes);
  EXCEPTION WHEN data_exception THEN
    events := NULL;
  END;
  IF cardinality(events) = cardinality(clients) THEN RETURN events; END IF;
  RETURN audit.readable_events(
    clients, agents,
    ARRAY(SELECT audit.object_of(one)::text FROM unnest(intents) WITH ORDINALITY AS t(one, place) ORDER BY place),
    ARRAY(SELECT CASE WHEN one = '' THEN '{"outcome": "pending"}' ELSE audit.object_of(one)::text END
            FROM unnest(outcomes) WITH ORDINALITY AS t(one, place) ORDER BY place));
END
$$;
ALTER FUNCTION audit.egress_events(uuid[], uuid[], text[], text[]) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.egress_events(uuid[], uuid[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.egress_events(uuid[], uuid[], text[], text[]) TO deployclaw_audit_writer;
DROP FUNCTION audit.egress_event(uuid, uuid, text, text);

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
  PERFORM audit.append_events(audit.egress_events(clients, agents, intents, outcomes));
  IF charges <> '{}' THEN PERFORM audit.count_charges(charges); END IF;
  UPDATE public.egress_spools SET position = to_position, updated_at = now() WHERE host = spool_host;
  RETURN to_position;
END
$$;
