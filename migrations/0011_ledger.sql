-- What agents have used of their limits: so that neither a restart of egress nor of the machine gives
-- anybody a fresh hour, day or budget.
SET ROLE deployclaw_owner;

-- Each admission of a scope, to the millisecond: those of one minute in one row, as milliseconds of
-- that minute. Kept a little longer than the longest window.
CREATE TABLE scope_uses (
  client_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  minute bigint NOT NULL, -- since 1970
  scope text NOT NULL,
  at integer[] NOT NULL,
  PRIMARY KEY (agent_id, minute, scope)
);
-- Model calls that have ended, by UTC day, in millionths of a US dollar.
CREATE TABLE model_spend (
  client_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  day date NOT NULL,
  settled bigint NOT NULL,
  PRIMARY KEY (agent_id, day)
);
CREATE INDEX model_spend_client ON model_spend (client_id, day);
-- Model calls that have not ended: what they may still cost.
CREATE TABLE model_reservations (
  client_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  worker bigint NOT NULL, -- which run of a worker, and which intent of it
  intent bigint NOT NULL,
  day date NOT NULL,
  amount bigint NOT NULL,
  PRIMARY KEY (worker, intent)
);
CREATE INDEX model_reservations_agent ON model_reservations (agent_id);
CREATE INDEX model_reservations_client ON model_reservations (client_id, day);

-- No foreign keys: an agent's last records may come behind its deletion, and must not keep those of
-- others out of the log.
ALTER TABLE scope_uses ENABLE ROW LEVEL SECURITY;
ALTER TABLE scope_uses FORCE ROW LEVEL SECURITY;
ALTER TABLE model_spend ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_spend FORCE ROW LEVEL SECURITY;
ALTER TABLE model_reservations ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_reservations FORCE ROW LEVEL SECURITY;
CREATE POLICY writer ON scope_uses TO deployclaw_audit_writer USING (true) WITH CHECK (true);
CREATE POLICY writer ON model_spend TO deployclaw_audit_writer USING (true) WITH CHECK (true);
CREATE POLICY writer ON model_reservations TO deployclaw_audit_writer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON scope_uses, model_spend, model_reservations
  TO deployclaw_audit_writer;
CREATE POLICY reader ON scope_uses FOR SELECT TO deployclaw_egress USING (true);
CREATE POLICY reader ON model_spend FOR SELECT TO deployclaw_egress USING (true);
CREATE POLICY reader ON model_reservations FOR SELECT TO deployclaw_egress USING (true);
GRANT SELECT ON scope_uses, model_spend, model_reservations TO deployclaw_egress;
-- A client sees what its own agents spend.
CREATE POLICY tenant ON model_spend FOR SELECT TO deployclaw_api
  USING (client_id = nullif(current_setting('deployclaw.client_id', true), '')::uuid);
CREATE POLICY tenant ON model_reservations FOR SELECT TO deployclaw_api
  USING (client_id = nullif(current_setting('deployclaw.client_id', true), '')::uuid);
GRANT SELECT ON model_spend, model_reservations TO deployclaw_api;

-- The plan decides the spend of agents that name none.
DROP TRIGGER clients_policy ON clients;
CREATE TRIGGER clients_policy AFTER UPDATE OF status, plan ON clients
  FOR EACH ROW EXECUTE FUNCTION notify_policy('id');
RESET ROLE;

-- No limit is above a million any more.
UPDATE agents SET permissions = jsonb_set(permissions, '{rateLimits}', (
    SELECT jsonb_object_agg(scope, (
             SELECT jsonb_object_agg(name, least(value::numeric, 1000000))
               FROM jsonb_each_text(limits) AS t(name, value)))
      FROM jsonb_each(permissions -> 'rateLimits') AS t(scope, limits)))
  WHERE EXISTS (SELECT FROM jsonb_each(permissions -> 'rateLimits') AS t(scope, limits),
                            jsonb_each_text(limits) AS v(name, value)
                 WHERE value::numeric > 1000000);

-- Adds what a stretch of the spool charged (append_egress). `charges` is written by egress, not by
-- its workers:
-- {"uses":  [{"client", "agent", "minute", "scope", "at": [milliseconds of the minute]}],
--  "opens": [{"client", "agent", "worker", "intent", "day", "amount"}],   model calls that began
--  "lowers":  [{"worker", "intent", "amount"}],
--  "settles": [{"client", "agent", "worker", "intent", "day", "amount"}]} and that ended
-- Days count from 1970.
CREATE FUNCTION audit.count_charges(charges jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  INSERT INTO public.scope_uses AS known (client_id, agent_id, minute, scope, at)
    SELECT (one ->> 'client')::uuid, (one ->> 'agent')::uuid, (one ->> 'minute')::bigint,
           one ->> 'scope', ARRAY(SELECT jsonb_array_elements_text(one -> 'at')::integer)
      FROM jsonb_array_elements(charges -> 'uses') AS t(one)
    ON CONFLICT (agent_id, minute, scope) DO UPDATE SET at = known.at || excluded.at;
  -- Older than a day by both clocks.
  DELETE FROM public.scope_uses AS old
    USING (SELECT (one ->> 'agent')::uuid AS agent, max((one ->> 'minute')::bigint) AS newest
             FROM jsonb_array_elements(charges -> 'uses') AS t(one) GROUP BY 1) AS used
    WHERE old.agent_id = used.agent
      AND old.minute < least(used.newest, extract(epoch FROM now())::bigint / 60) - 1500;
  INSERT INTO public.model_reservations (client_id, agent_id, worker, intent, day, amount)
    SELECT (one ->> 'client')::uuid, (one ->> 'agent')::uuid, (one ->> 'worker')::bigint,
           (one ->> 'intent')::bigint, date '1970-01-01' + (one ->> 'day')::integer,
           (one ->> 'amount')::bigint
      FROM jsonb_array_elements(charges -> 'opens') AS t(one)
    ON CONFLICT DO NOTHING;
  UPDATE public.model_reservations AS open SET amount = least(open.amount, lower.amount)
    FROM (SELECT (one ->> 'worker')::bigint AS worker, (one ->> 'intent')::bigint AS intent,
                 min((one ->> 'amount')::bigint) AS amount
            FROM jsonb_array_elements(charges -> 'lowers') AS t(one) GROUP BY 1, 2) AS lower
    WHERE open.worker = lower.worker AND open.intent = lower.intent;
  DELETE FROM public.model_reservations AS open
    USING jsonb_array_elements(charges -> 'settles') AS t(one)
    WHERE open.worker = (one ->> 'worker')::bigint AND open.intent = (one ->> 'intent')::bigint;
  INSERT INTO public.model_spend AS known (client_id, agent_id, day, settled)
    SELECT (one ->> 'client')::uuid, (one ->> 'agent')::uuid,
           date '1970-01-01' + (one ->> 'day')::integer, sum((one ->> 'amount')::bigint)::bigint
      FROM jsonb_array_elements(charges -> 'settles') AS t(one)
      GROUP BY 1, 2, 3
    ON CONFLICT (agent_id, day) DO UPDATE SET settled = known.settled + excluded.settled;
END
$$;
ALTER FUNCTION audit.count_charges(jsonb) OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.count_charges(jsonb) FROM PUBLIC;

-- As before, and what the stretch charged, in the same transaction.
DROP FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], text[]);
CREATE FUNCTION audit.append_egress(spool_host text, from_position bigint, to_position bigint,
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
  PERFORM audit.append(coalesce(
    (SELECT jsonb_agg(audit.egress_event(client, agent, intent, outcome) ORDER BY place)
       FROM unnest(clients, agents, intents, outcomes)
            WITH ORDINALITY AS t(client, agent, intent, outcome, place)), '[]'));
  IF charges <> '{}' THEN PERFORM audit.count_charges(charges); END IF;
  UPDATE public.egress_spools SET position = to_position, updated_at = now() WHERE host = spool_host;
  RETURN to_position;
END
$$;
ALTER FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], text[], jsonb)
  OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], text[], jsonb)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], text[], jsonb)
  TO deployclaw_egress;

-- An agent that is deleted leaves nothing behind but what it spent.
CREATE FUNCTION audit.forget_uses() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  DELETE FROM public.scope_uses WHERE agent_id = OLD.id;
  RETURN NULL;
END
$$;
ALTER FUNCTION audit.forget_uses() OWNER TO deployclaw_audit_writer;
REVOKE ALL ON FUNCTION audit.forget_uses() FROM PUBLIC;
CREATE TRIGGER agents_forget_uses AFTER DELETE ON agents
  FOR EACH ROW EXECUTE FUNCTION audit.forget_uses();
