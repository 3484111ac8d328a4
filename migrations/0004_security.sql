-- Row-level security on every tenant table, and each role's grants.
SET ROLE deployclaw_owner;

-- The tenant of this transaction; null (and so no row) when none is set.
CREATE FUNCTION current_client() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('deployclaw.client_id', true), '')::uuid
$$;

DO $$
DECLARE
  tenant_table text;
  key_column text;
BEGIN
  FOR tenant_table, key_column IN VALUES
      ('clients', 'id'), ('users', 'client_id'), ('recovery_codes', 'client_id'),
      ('sessions', 'client_id'), ('agents', 'client_id'), ('agent_credentials', 'client_id'),
      ('deployments', 'client_id'), ('agent_observations', 'client_id'),
      ('agent_output', 'client_id'), ('idempotency_keys', 'client_id'),
      ('audit_logs', 'client_id') LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('CREATE POLICY tenant ON %I TO deployclaw_api, deployclaw_readonly '
                   'USING (%I = current_client()) WITH CHECK (%I = current_client())',
                   tenant_table, key_column, key_column);
  END LOOP;

  -- The orchestrator and egress work for every client.
  FOR tenant_table IN VALUES ('clients'), ('agents'), ('agent_credentials'), ('deployments'),
                             ('agent_observations'), ('agent_output') LOOP
    EXECUTE format('CREATE POLICY platform ON %I TO deployclaw_orchestrator, deployclaw_egress '
                   'USING (true) WITH CHECK (true)', tenant_table);
  END LOOP;

  -- Tables that belong to no client still get row security: who is not named sees nothing.
  FOR tenant_table IN VALUES ('platform'), ('leases'), ('vault_key_versions') LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
  END LOOP;
END
$$;
CREATE POLICY everyone ON platform FOR SELECT
  TO deployclaw_api, deployclaw_orchestrator, deployclaw_egress USING (true);
CREATE POLICY orchestrator ON leases TO deployclaw_orchestrator USING (true) WITH CHECK (true);
CREATE POLICY api ON vault_key_versions TO deployclaw_api USING (true) WITH CHECK (true);
ALTER TABLE auth.attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.attempts FORCE ROW LEVEL SECURITY;
CREATE POLICY counter ON auth.attempts TO deployclaw_auth USING (true) WITH CHECK (true);
ALTER TABLE audit.heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.heads FORCE ROW LEVEL SECURITY;
CREATE POLICY writer ON audit.heads TO deployclaw_audit_writer USING (true) WITH CHECK (true);
CREATE POLICY append ON audit_logs FOR INSERT TO deployclaw_audit_writer WITH CHECK (true);
CREATE POLICY lookup ON users FOR SELECT TO deployclaw_auth USING (true);
CREATE POLICY lookup ON clients FOR SELECT TO deployclaw_auth USING (true);
CREATE POLICY lookup ON sessions FOR SELECT TO deployclaw_auth USING (true);
CREATE POLICY expire ON sessions FOR DELETE TO deployclaw_auth USING (expires_at < now());

GRANT SELECT ON users, clients, sessions TO deployclaw_auth;
GRANT DELETE ON sessions TO deployclaw_auth;
GRANT SELECT, INSERT, DELETE ON auth.attempts TO deployclaw_auth;

GRANT USAGE ON SCHEMA auth TO deployclaw_api;
GRANT USAGE ON SCHEMA audit TO deployclaw_api, deployclaw_orchestrator, deployclaw_egress,
  deployclaw_retention;

GRANT SELECT ON platform TO deployclaw_api, deployclaw_orchestrator, deployclaw_egress;
GRANT SELECT, INSERT, UPDATE (name, plan, stripe_id) ON clients TO deployclaw_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON users, recovery_codes, sessions, idempotency_keys,
  agent_credentials TO deployclaw_api;
GRANT SELECT, INSERT ON agents TO deployclaw_api;
GRANT UPDATE (name, status, status_reason, runtime_version, desired_state, generation, config,
  permissions, resources, updated_at) ON agents TO deployclaw_api;
GRANT SELECT, INSERT, UPDATE (state, ended_at, reason) ON deployments TO deployclaw_api;
GRANT SELECT ON agent_observations, agent_output, audit_logs TO deployclaw_api;
GRANT SELECT, INSERT ON vault_key_versions TO deployclaw_api;

GRANT SELECT (id, name, plan, status, vault_salt) ON clients TO deployclaw_orchestrator;
GRANT SELECT, DELETE ON agents TO deployclaw_orchestrator;
GRANT UPDATE (status, status_reason, container_id, host, endpoint, updated_at) ON agents
  TO deployclaw_orchestrator;
-- Not `encrypted`: the orchestrator writes placeholders and never holds a credential.
GRANT SELECT (id, client_id, agent_id, name, kind, hosts, placeholder, created_at, updated_at)
  ON agent_credentials TO deployclaw_orchestrator;
GRANT SELECT, INSERT, UPDATE ON deployments TO deployclaw_orchestrator;
GRANT SELECT, INSERT, UPDATE, DELETE ON agent_observations, agent_output, leases
  TO deployclaw_orchestrator;

GRANT SELECT (id, name, plan, status, vault_salt) ON clients TO deployclaw_egress;
GRANT SELECT ON agents, agent_credentials, agent_observations TO deployclaw_egress;
GRANT UPDATE (last_used_at) ON agent_credentials TO deployclaw_egress;

-- Not the readonly role's: password hashes, second factors, sealed secrets, session tokens.
GRANT SELECT (id, name, email, plan, status, created_at) ON clients TO deployclaw_readonly;
GRANT SELECT (id, client_id, email, role, totp_enabled, created_at) ON users TO deployclaw_readonly;
GRANT SELECT (id, client_id, name, status, runtime, runtime_version, desired_state, created_at)
  ON agents TO deployclaw_readonly;
GRANT SELECT ON deployments, agent_observations, audit_logs TO deployclaw_readonly;
RESET ROLE;

-- What authentication must find before the tenant is known. Each answers one exact key only.
CREATE FUNCTION auth.find_user(wanted_email text)
RETURNS TABLE (id uuid, client_id uuid, email text, password_hash text, totp_secret jsonb,
               totp_enabled boolean, role text, created_at timestamptz, client_status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT u.id, u.client_id, u.email, u.password_hash, u.totp_secret, u.totp_enabled, u.role,
         u.created_at, c.status
  FROM public.users u JOIN public.clients c ON c.id = u.client_id
  WHERE u.email = lower(wanted_email)
$$;

-- The live session of a token: not past its absolute end, seen within the idle limit.
CREATE FUNCTION auth.find_session(wanted_hash bytea, idle interval)
RETURNS TABLE (session_id uuid, level text, second_factor_at timestamptz, session_created_at timestamptz,
               last_seen_at timestamptz, expires_at timestamptz, user_id uuid, email text, role text,
               totp_enabled boolean, user_created_at timestamptz, client_id uuid, client_name text,
               plan text, client_status text, client_created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT s.id, s.level, s.second_factor_at, s.created_at, s.last_seen_at, s.expires_at, u.id,
         u.email, u.role, u.totp_enabled, u.created_at, c.id, c.name, c.plan, c.status, c.created_at
  FROM public.sessions s
  JOIN public.users u ON u.id = s.user_id
  JOIN public.clients c ON c.id = s.client_id
  WHERE s.token_hash = wanted_hash AND s.expires_at > now() AND s.last_seen_at > now() - idle
$$;

-- Counts an attempt before it is made, so that parallel guesses cannot slip through. Answers the
-- attempt's id when it is allowed, else the seconds until the oldest one leaves the window.
CREATE FUNCTION auth.take_attempt(wanted_kind text, wanted_key text, most integer, span interval)
RETURNS TABLE (attempt_id bigint, retry_after_seconds integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  used integer;
  oldest timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('attempt:' || wanted_kind || ':' || wanted_key, 0));
  DELETE FROM auth.attempts a WHERE a.kind = wanted_kind AND a.key = wanted_key
    AND a.at <= clock_timestamp() - span;
  SELECT count(*), min(a.at) INTO used, oldest FROM auth.attempts a
    WHERE a.kind = wanted_kind AND a.key = wanted_key;
  IF used >= most THEN
    RETURN QUERY SELECT NULL::bigint,
      greatest(1, ceil(extract(epoch FROM oldest + span - clock_timestamp())))::integer;
    RETURN;
  END IF;
  RETURN QUERY INSERT INTO auth.attempts (kind, key) VALUES (wanted_kind, wanted_key)
    RETURNING id, NULL::integer;
END
$$;

-- Takes a successful attempt out of the count.
CREATE FUNCTION auth.refund_attempt(wanted_id bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  DELETE FROM auth.attempts WHERE id = wanted_id
$$;

-- Housekeeping: sessions past their end and attempts older than a day.
CREATE FUNCTION auth.expire() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  DELETE FROM public.sessions WHERE expires_at < now();
  DELETE FROM auth.attempts WHERE at < clock_timestamp() - interval '1 day';
$$;

DO $$
DECLARE
  signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY['auth.find_user(text)', 'auth.find_session(bytea, interval)',
      'auth.take_attempt(text, text, integer, interval)', 'auth.refund_attempt(bigint)',
      'auth.expire()'] LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO deployclaw_auth', signature);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO deployclaw_api', signature);
  END LOOP;
END
$$;
