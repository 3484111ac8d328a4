-- Database roles, one per process, each with the least it needs (granted in 0004).
-- Passwords are not set here: the operator (or `deployclaw up`) does that.
DO $$
DECLARE
  login text;
  plain text;
BEGIN
  FOREACH login IN ARRAY ARRAY['deployclaw_api', 'deployclaw_orchestrator', 'deployclaw_egress',
                               'deployclaw_retention', 'deployclaw_readonly'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', login);
    END IF;
  END LOOP;
  -- deployclaw_owner owns tables and is used by migrations only. The two others own nothing but
  -- SECURITY DEFINER functions: deployclaw_auth looks a user or session up before its tenant is
  -- known, deployclaw_audit_writer appends to the audit log.
  FOREACH plain IN ARRAY ARRAY['deployclaw_owner', 'deployclaw_auth', 'deployclaw_audit_writer'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = plain) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', plain);
    END IF;
  END LOOP;
END
$$;

-- Nobody creates objects in public, and connecting takes a grant.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO deployclaw_owner;
GRANT USAGE ON SCHEMA public TO deployclaw_auth, deployclaw_audit_writer, deployclaw_api,
  deployclaw_orchestrator, deployclaw_egress, deployclaw_retention, deployclaw_readonly;

CREATE SCHEMA auth AUTHORIZATION deployclaw_owner;
CREATE SCHEMA audit AUTHORIZATION deployclaw_owner;
GRANT USAGE, CREATE ON SCHEMA auth TO deployclaw_auth;
GRANT USAGE, CREATE ON SCHEMA audit TO deployclaw_audit_writer;
