-- Credentials whose access token the platform renews. One sealed value (purpose oauth-grant) holds the
-- token and what it is renewed with, so that they can only change together; `encrypted` is then empty.
DO $$
BEGIN
  -- Owns nothing but the function below.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'deployclaw_renewer') THEN
    CREATE ROLE deployclaw_renewer NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO deployclaw_renewer;
CREATE SCHEMA renewal AUTHORIZATION deployclaw_owner;
GRANT USAGE, CREATE ON SCHEMA renewal TO deployclaw_renewer;

SET ROLE deployclaw_owner;
ALTER TABLE agent_credentials
  ALTER COLUMN encrypted DROP NOT NULL,
  ADD COLUMN oauth jsonb CHECK (oauth ?& ARRAY['iv', 'ciphertext', 'tag', 'keyVersion']),
  ADD COLUMN expires_at timestamptz,  -- of the value or access token; null: not known
  ADD CONSTRAINT agent_credentials_one_value CHECK (num_nonnulls(encrypted, oauth) = 1);

-- Egress asks the function; it has no right of its own to change a credential's value. The policy
-- keeps the function, too, to credentials that are renewed.
CREATE POLICY renewal ON agent_credentials TO deployclaw_renewer
  USING (oauth IS NOT NULL) WITH CHECK (oauth IS NOT NULL);
GRANT SELECT (agent_id, name, oauth), UPDATE (oauth, expires_at) ON agent_credentials
  TO deployclaw_renewer;
GRANT USAGE ON SCHEMA renewal TO deployclaw_egress;

DROP TRIGGER credentials_policy ON agent_credentials;
CREATE TRIGGER credentials_policy
  AFTER INSERT OR DELETE OR UPDATE OF kind, hosts, placeholder, encrypted, oauth, expires_at
  ON agent_credentials FOR EACH ROW EXECUTE FUNCTION notify_policy('client_id');
RESET ROLE;

-- Puts the renewed grant in the place of exactly the one that was renewed. False when that is not
-- there any more: what a customer wrote meanwhile wins.
CREATE FUNCTION renewal.keep_grant(wanted_agent uuid, wanted_name text, present jsonb,
                                   renewed jsonb, renewed_expires_at timestamptz)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH kept AS (
    UPDATE public.agent_credentials SET oauth = renewed, expires_at = renewed_expires_at
    WHERE agent_id = wanted_agent AND name = wanted_name AND oauth = present
    RETURNING 1)
  SELECT EXISTS (SELECT FROM kept)
$$;
ALTER FUNCTION renewal.keep_grant(uuid, text, jsonb, jsonb, timestamptz)
  OWNER TO deployclaw_renewer;
REVOKE ALL ON FUNCTION renewal.keep_grant(uuid, text, jsonb, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION renewal.keep_grant(uuid, text, jsonb, jsonb, timestamptz)
  TO deployclaw_egress;
