-- What agents used and spent is kept no longer than somebody asks for it: of agents that go on it was
-- deleted as they went, of those that stopped it stayed.

-- Windows reach back a day; the ledger reads a little more after a start. What was spent is read for
-- the day, and shown for a month. Answers how many rows went. Egress calls it now and then.
CREATE FUNCTION audit.prune_charges() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  uses bigint;
  days bigint;
BEGIN
  DELETE FROM public.scope_uses WHERE minute < extract(epoch FROM now())::bigint / 60 - 2 * 1440;
  GET DIAGNOSTICS uses = ROW_COUNT;
  DELETE FROM public.model_spend WHERE day < (now() AT TIME ZONE 'UTC')::date - 92;
  GET DIAGNOSTICS days = ROW_COUNT;
  RETURN uses + days;
END
$$;
ALTER FUNCTION audit.prune_charges() OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.prune_charges() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.prune_charges() TO deployclaw_egress;
