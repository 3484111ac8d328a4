-- The audit log: append-only, chained per client, partitioned by month.
SET ROLE deployclaw_owner;

CREATE SEQUENCE audit_logs_id_seq AS bigint;
CREATE TABLE audit_logs (
  id bigint NOT NULL DEFAULT nextval('audit_logs_id_seq'),
  -- No foreign keys: a record outlives its agent and its client. The nil client is the platform.
  agent_id uuid,
  client_id uuid NOT NULL,
  action_type text NOT NULL,
  target text,
  metadata jsonb NOT NULL DEFAULT '{}',
  ip_address inet,
  created_at timestamptz NOT NULL,
  actor_type text NOT NULL CHECK (actor_type IN ('user', 'api_key', 'agent', 'system', 'operator')),
  actor_id text,
  outcome text NOT NULL CHECK (outcome IN ('success', 'denied', 'failure', 'pending')),
  seq bigint NOT NULL,
  prev_hash bytea NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (id, created_at),
  UNIQUE (client_id, seq, created_at)
) PARTITION BY RANGE (created_at);
ALTER SEQUENCE audit_logs_id_seq OWNED BY audit_logs.id;
CREATE INDEX audit_agent_time ON audit_logs (agent_id, created_at DESC);
CREATE INDEX audit_client_time ON audit_logs (client_id, created_at DESC);
CREATE INDEX audit_action_time ON audit_logs (action_type, created_at DESC);

-- The end of each client's chain.
CREATE TABLE audit.heads (
  client_id uuid PRIMARY KEY,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  at timestamptz NOT NULL
);

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP
    USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_logs
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_logs
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Makes the partition that holds `moment`. Runs as the owner, who alone may create tables.
CREATE FUNCTION audit.ensure_partition(moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  first timestamptz := date_trunc('month', moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  next timestamptz := (date_trunc('month', moment AT TIME ZONE 'UTC') + interval '1 month')
                      AT TIME ZONE 'UTC';
  part text := 'audit_logs_' || to_char(moment AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
  IF to_regclass('public.' || part) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('audit.ensure_partition', 0));
  IF to_regclass('public.' || part) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE public.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
                 part, first, next);
  -- Statement triggers and row security are not inherited by partitions named directly.
  EXECUTE format('CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON public.%I '
                 'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', part);
  EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
  EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', part);
END
$$;
REVOKE ALL ON FUNCTION audit.ensure_partition(timestamptz) FROM PUBLIC;

-- One field of the hashed encoding: its length in bytes as a big-endian int4, then the bytes (UTF-8);
-- a null is the length -1 alone. So no two different records encode alike.
CREATE FUNCTION audit.field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN value IS NULL THEN int4send(-1)
              ELSE int4send(octet_length(value)) || value END
$$;
CREATE FUNCTION audit.field(value text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT audit.field(convert_to(value, 'UTF8'))
$$;

-- The hash of a record: SHA-256 over its fields in this order. Times are microseconds since 1970 as
-- decimal text, metadata is PostgreSQL's jsonb text, addresses are in CIDR-less text form.
CREATE FUNCTION audit.record_hash(
  prev_hash bytea, client_id uuid, seq bigint, created_at timestamptz, agent_id uuid,
  actor_type text, actor_id text, action_type text, target text, outcome text, metadata jsonb,
  ip_address inet) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT sha256(
    audit.field('deployclaw/audit/v1'::text) ||
    audit.field(prev_hash) ||
    audit.field(client_id::text) ||
    audit.field(seq::text) ||
    audit.field((extract(epoch FROM created_at) * 1000000)::bigint::text) ||
    audit.field(agent_id::text) ||
    audit.field(actor_type) ||
    audit.field(actor_id) ||
    audit.field(action_type) ||
    audit.field(target) ||
    audit.field(outcome) ||
    audit.field(metadata::text) ||
    audit.field(host(ip_address)))
$$;

GRANT SELECT, INSERT ON audit_logs TO deployclaw_audit_writer;
GRANT USAGE ON SEQUENCE audit_logs_id_seq TO deployclaw_audit_writer;
GRANT SELECT, INSERT, UPDATE ON audit.heads TO deployclaw_audit_writer;
GRANT EXECUTE ON FUNCTION audit.ensure_partition(timestamptz) TO deployclaw_audit_writer;
RESET ROLE;

-- The only way to write. Each event is an object {clientId, agentId?, actorType, actorId?,
-- actionType, target?, outcome, metadata?, ip?}. Runs in the caller's transaction: the record and
-- the change it tells of are one. Rows of a client are chained one at a time.
CREATE FUNCTION audit.append(events jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  event jsonb;
  tenant uuid := nullif(current_setting('deployclaw.client_id', true), '')::uuid;
  owner_client uuid;
  head audit.heads;
  moment timestamptz;
  digest bytea;
  next_seq bigint;
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

    PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || owner_client::text, 0));
    SELECT * INTO head FROM audit.heads h WHERE h.client_id = owner_client;
    -- Time never runs backwards within a chain, whatever the clock does.
    moment := greatest(clock_timestamp(), head.at + interval '1 microsecond');
    next_seq := coalesce(head.seq, 0) + 1;
    PERFORM audit.ensure_partition(moment);
    digest := audit.record_hash(
      coalesce(head.hash, decode(repeat('00', 32), 'hex')), owner_client, next_seq, moment,
      (event ->> 'agentId')::uuid, event ->> 'actorType', event ->> 'actorId',
      event ->> 'actionType', event ->> 'target', event ->> 'outcome',
      coalesce(event -> 'metadata', '{}'::jsonb), (event ->> 'ip')::inet);
    INSERT INTO public.audit_logs (agent_id, client_id, action_type, target, metadata, ip_address,
                                   created_at, actor_type, actor_id, outcome, seq, prev_hash, hash)
    VALUES ((event ->> 'agentId')::uuid, owner_client, event ->> 'actionType', event ->> 'target',
            coalesce(event -> 'metadata', '{}'::jsonb), (event ->> 'ip')::inet, moment,
            event ->> 'actorType', event ->> 'actorId', event ->> 'outcome', next_seq,
            coalesce(head.hash, decode(repeat('00', 32), 'hex')), digest);
    INSERT INTO audit.heads (client_id, seq, hash, at) VALUES (owner_client, next_seq, digest, moment)
      ON CONFLICT (client_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at = excluded.at;
    written := written + 1;
  END LOOP;
  RETURN written;
END
$$;
ALTER FUNCTION audit.append(jsonb) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.append(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.append(jsonb)
  TO deployclaw_api, deployclaw_orchestrator, deployclaw_egress, deployclaw_retention;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA audit TO deployclaw_audit_writer;
SELECT audit.ensure_partition(now());
SELECT audit.ensure_partition(now() + interval '1 month');
