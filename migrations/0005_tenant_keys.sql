-- What belongs to an agent or a user belongs to that one's client. A foreign key looks past row
-- security, so a plain one would let a client hang a row of its own on another client's agent, where
-- the orchestrator, who works for all, would act on it.
SET ROLE deployclaw_owner;

ALTER TABLE agents ADD CONSTRAINT agents_of_client UNIQUE (id, client_id);
ALTER TABLE users ADD CONSTRAINT users_of_client UNIQUE (id, client_id);

DO $$
DECLARE
  child text;
  child_key text;
  parent text;
BEGIN
  FOR child, child_key, parent IN VALUES
      ('agent_credentials', 'agent_id', 'agents'), ('deployments', 'agent_id', 'agents'),
      ('agent_observations', 'agent_id', 'agents'), ('agent_output', 'agent_id', 'agents'),
      ('sessions', 'user_id', 'users'), ('recovery_codes', 'user_id', 'users'),
      ('idempotency_keys', 'user_id', 'users') LOOP
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', child, child || '_' || child_key || '_fkey');
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (%I, client_id) '
                   'REFERENCES %I (id, client_id) ON DELETE CASCADE',
                   child, child || '_' || child_key || '_fkey', child_key, parent);
  END LOOP;
END
$$;

RESET ROLE;
