-- Desired state (written by the api), observed state (written by the orchestrator).
SET ROLE deployclaw_owner;

-- One row for the whole platform. The instance id labels containers, so that two platforms on one
-- Docker daemon leave each other's alone.
CREATE TABLE platform (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  instance_id uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO platform DEFAULT VALUES;

CREATE TABLE clients (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  email text NOT NULL UNIQUE CHECK (email = lower(email)),
  plan text NOT NULL DEFAULT 'starter',
  stripe_id text,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  -- Half of what the vault derives this client's key from: destroying it shreds the client's
  -- secrets in every backup that does not hold it.
  vault_salt bytea NOT NULL CHECK (octet_length(vault_salt) = 32),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  email text NOT NULL UNIQUE CHECK (email = lower(email)),
  password_hash text NOT NULL,
  totp_secret jsonb,          -- sealed by the vault, purpose "totp"; pending until totp_enabled
  totp_enabled boolean NOT NULL DEFAULT false,
  totp_last_step bigint NOT NULL DEFAULT 0,  -- the last 30 s step a code was accepted for
  -- A new secret during re-enrolment; the old one stays in force until the new one is proven.
  totp_pending_secret jsonb,
  role text NOT NULL DEFAULT 'owner' CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (NOT totp_enabled OR totp_secret IS NOT NULL)
);
CREATE INDEX users_client ON users (client_id);

CREATE TABLE recovery_codes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  code_hash bytea NOT NULL,
  used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, code_hash)
);

CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  token_hash bytea NOT NULL UNIQUE,  -- SHA-256 of the cookie's token; the token is never stored
  level text NOT NULL CHECK (level IN ('password', 'full')),
  second_factor_at timestamptz,
  ip_address inet,
  user_agent text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- One row per counted attempt (login, code, registration); see auth.take_attempt.
CREATE TABLE auth.attempts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  key text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX attempts_key ON auth.attempts (kind, key, at);

CREATE TABLE agents (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
  status text NOT NULL DEFAULT 'provisioning'
    CHECK (status IN ('provisioning', 'running', 'stopped', 'error')),
  status_reason text,
  container_id text,
  runtime text NOT NULL,
  runtime_version text NOT NULL,
  desired_state text NOT NULL DEFAULT 'running'
    CHECK (desired_state IN ('running', 'stopped', 'deleted')),
  -- Grows with every change that needs a new container; a container carries its generation.
  generation bigint NOT NULL DEFAULT 1,
  config jsonb NOT NULL DEFAULT '{}',  -- sensitive values sealed: {"$sealed": {iv, …}}
  permissions jsonb NOT NULL,
  resources jsonb NOT NULL DEFAULT '{}',
  host text,      -- the machine it runs on
  endpoint text,  -- where its own page is reached, once there is one
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX agents_client ON agents (client_id);
CREATE UNIQUE INDEX agents_name ON agents (client_id, lower(name));

CREATE TABLE agent_credentials (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  agent_id uuid NOT NULL REFERENCES agents ON DELETE CASCADE,
  name text NOT NULL,
  kind text NOT NULL DEFAULT 'generic',
  hosts text[] NOT NULL DEFAULT '{}',
  placeholder text NOT NULL,  -- what the agent sees in the value's place
  encrypted jsonb NOT NULL    -- {iv, ciphertext, tag, keyVersion}, purpose "credential"
    CHECK (encrypted ?& ARRAY['iv', 'ciphertext', 'tag', 'keyVersion']),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  UNIQUE (agent_id, name)
);

-- Every attempt to bring an agent to its desired state, with its steps and verdict.
CREATE TABLE deployments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  agent_id uuid NOT NULL REFERENCES agents ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('create', 'update', 'restart', 'start', 'rollback')),
  generation bigint NOT NULL,
  -- What is deployed: {runtime, runtimeVersion, config, permissions, resources}.
  spec jsonb NOT NULL,
  state text NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'pulling', 'creating', 'starting', 'verifying', 'live', 'failed',
                     'rolled_back', 'cancelled')),
  steps jsonb NOT NULL DEFAULT '[]',  -- [{name, startedAt, endedAt, detail}]
  exit_code integer,
  last_output text,
  reason text,
  requested_by uuid,
  -- Whoever works on it renews lease_until; a lapsed lease may be taken over.
  lease_owner text,
  lease_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  ended_at timestamptz
);
CREATE INDEX deployments_agent ON deployments (agent_id, created_at DESC);
CREATE UNIQUE INDEX deployments_one_active ON deployments (agent_id)
  WHERE state IN ('queued', 'pulling', 'creating', 'starting', 'verifying');

-- What the orchestrator last saw of an agent.
CREATE TABLE agent_observations (
  agent_id uuid PRIMARY KEY REFERENCES agents ON DELETE CASCADE,
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  container_id text,
  generation bigint,
  container_state text,
  address inet,
  interface text,
  health text NOT NULL DEFAULT 'starting'
    CHECK (health IN ('healthy', 'unhealthy', 'starting', 'stopped')),
  checks jsonb NOT NULL DEFAULT '[]',  -- [{name, status, detail, at}]
  restarts integer NOT NULL DEFAULT 0,
  restart_times timestamptz[] NOT NULL DEFAULT '{}',  -- recent ones, for the circuit breaker
  backoff_step integer NOT NULL DEFAULT 0,
  next_retry_at timestamptz,
  healthy_since timestamptz,
  last_exit_code integer,
  started_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- The agents' own output, collected by the orchestrator, the newest lines only.
CREATE TABLE agent_output (
  agent_id uuid NOT NULL REFERENCES agents ON DELETE CASCADE,
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  stream text NOT NULL CHECK (stream IN ('stdout', 'stderr')),
  line text NOT NULL,
  PRIMARY KEY (agent_id, seq)
);

-- Who may run a singleton job (one orchestrator per host).
CREATE TABLE leases (
  name text PRIMARY KEY,
  owner text NOT NULL,
  expires_at timestamptz NOT NULL
);

-- Which versions of the vault's master key exist; the keys themselves never come here.
CREATE TABLE vault_key_versions (
  version integer PRIMARY KEY CHECK (version > 0),
  fingerprint text NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency_keys (
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  request_hash bytea NOT NULL,
  status integer,   -- null while the first request still runs
  headers jsonb,
  body text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_age ON idempotency_keys (created_at);

-- Wake-ups. The payload says who; readers go and look.
CREATE FUNCTION notify_desired() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('deployclaw_desired', to_jsonb(NEW) ->> TG_ARGV[0]);
  RETURN NULL;
END
$$;
CREATE TRIGGER agents_desired
  AFTER INSERT OR UPDATE OF desired_state, generation ON agents
  FOR EACH ROW EXECUTE FUNCTION notify_desired('id');
CREATE TRIGGER deployments_desired
  AFTER INSERT ON deployments
  FOR EACH ROW EXECUTE FUNCTION notify_desired('agent_id');

CREATE FUNCTION notify_observed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('deployclaw_observed',
                    concat_ws(' ', TG_TABLE_NAME, NEW.client_id, to_jsonb(NEW) ->> TG_ARGV[0]));
  RETURN NULL;
END
$$;
CREATE TRIGGER agents_observed
  AFTER INSERT OR UPDATE OF status, status_reason, name, endpoint ON agents
  FOR EACH ROW EXECUTE FUNCTION notify_observed('id');
CREATE TRIGGER deployments_observed
  AFTER INSERT OR UPDATE OF state, steps ON deployments
  FOR EACH ROW EXECUTE FUNCTION notify_observed('agent_id');
CREATE TRIGGER observations_observed
  AFTER INSERT OR UPDATE OF health, restarts, next_retry_at ON agent_observations
  FOR EACH ROW EXECUTE FUNCTION notify_observed('agent_id');

RESET ROLE;
