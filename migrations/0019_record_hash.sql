-- As before, to the byte: every hash stays what it was. Each field was encoded by two more functions,
-- which PostgreSQL sets up anew for every call; written out, a record's hash costs about a third.
CREATE OR REPLACE FUNCTION audit.record_hash(
  prev_hash bytea, client_id uuid, seq bigint, created_at timestamptz, agent_id uuid,
  actor_type text, actor_id text, action_type text, target text, outcome text, metadata jsonb,
  ip_address inet) RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  none CONSTANT bytea := int4send(-1);
  version CONSTANT bytea := convert_to('deployclaw/audit/v1', 'UTF8');
  client CONSTANT bytea := convert_to(client_id::text, 'UTF8');
  number CONSTANT bytea := convert_to(seq::text, 'UTF8');
  moment CONSTANT bytea := convert_to((extract(epoch FROM created_at) * 1000000)::bigint::text, 'UTF8');
  agent CONSTANT bytea := convert_to(agent_id::text, 'UTF8');
  kind CONSTANT bytea := convert_to(actor_type, 'UTF8');
  actor CONSTANT bytea := convert_to(actor_id, 'UTF8');
  action CONSTANT bytea := convert_to(action_type, 'UTF8');
  aim CONSTANT bytea := convert_to(target, 'UTF8');
  result CONSTANT bytea := convert_to(outcome, 'UTF8');
  details CONSTANT bytea := convert_to(metadata::text, 'UTF8');
  address CONSTANT bytea := convert_to(host(ip_address), 'UTF8');
BEGIN
  -- What is null has no length: then `none` stands for both.
  RETURN sha256(
    int4send(octet_length(version)) || version ||
    coalesce(int4send(octet_length(prev_hash)) || prev_hash, none) ||
    coalesce(int4send(octet_length(client)) || client, none) ||
    coalesce(int4send(octet_length(number)) || number, none) ||
    coalesce(int4send(octet_length(moment)) || moment, none) ||
    coalesce(int4send(octet_length(agent)) || agent, none) ||
    coalesce(int4send(octet_length(kind)) || kind, none) ||
    coalesce(int4send(octet_length(actor)) || actor, none) ||
    coalesce(int4send(octet_length(action)) || action, none) ||
    coalesce(int4send(octet_length(aim)) || aim, none) ||
    coalesce(int4send(octet_length(result)) || result, none) ||
    coalesce(int4send(octet_length(details)) || details, none) ||
    coalesce(int4send(octet_length(address)) || address, none));
END
$$;
DROP FUNCTION audit.field(text);
DROP FUNCTION audit.field(bytea);
