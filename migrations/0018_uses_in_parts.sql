-- All uses of a minute were one row, which each stretch of the spool wrote anew: megabytes each time, of an
-- agent that asks thousands of times a second. Now a row is full at some hundred, and the next one begins.
SET ROLE deployclaw_owner;
ALTER TABLE scope_uses ADD COLUMN part integer NOT NULL DEFAULT 0;
ALTER TABLE scope_uses DROP CONSTRAINT scope_uses_pkey;
ALTER TABLE scope_uses ADD PRIMARY KEY (agent_id, minute, scope, part);
RESET ROLE;

-- As before, but uses go into the last part of their minute, or into a new one when that is full.
CREATE OR REPLACE FUNCTION audit.count_charges(charges jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  full_part CONSTANT integer := 400;
BEGIN
  INSERT INTO public.scope_uses AS known (client_id, agent_id, minute, scope, part, at)
    SELECT client, agent, minute, scope,
           coalesce((SELECT CASE WHEN cardinality(last.at) < full_part THEN last.part ELSE last.part + 1 END
                       FROM public.scope_uses AS last
                      WHERE last.agent_id = used.agent AND last.minute = used.minute AND last.scope = used.scope
                      ORDER BY last.part DESC LIMIT 1), 0),
           ARRAY(SELECT jsonb_array_elements_text(used.at)::integer)
      FROM jsonb_to_recordset(charges -> 'uses')
             AS used(client uuid, agent uuid, minute bigint, scope text, at jsonb)
    ON CONFLICT (agent_id, minute, scope, part) DO UPDATE SET at = known.at || excluded.at;
  -- Older than a day by both clocks.
  DELETE FROM public.scope_uses AS old
    USING (SELECT agent, max(minute) AS newest
             FROM jsonb_to_recordset(charges -> 'uses') AS t(agent uuid, minute bigint) GROUP BY 1) AS used
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
