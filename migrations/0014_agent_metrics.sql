-- What agents use of the host over time: written and thinned out by the orchestrator, read by their
-- owners.
SET ROLE deployclaw_owner;

-- One row for each stretch of `resolution` seconds that begins at `at`. What is counted is stored as
-- its sum over the part of the stretch that was measured, so that coarser rows follow from finer
-- ones without loss; memory as its mean over that part. No row: nothing was measured.
CREATE TABLE agent_metrics (
  client_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  resolution integer NOT NULL,
  at timestamptz NOT NULL,
  measured_seconds double precision NOT NULL CHECK (measured_seconds > 0),
  cpu_seconds double precision NOT NULL CHECK (cpu_seconds >= 0),
  memory_bytes bigint NOT NULL CHECK (memory_bytes >= 0),
  memory_limit_bytes bigint,
  received_bytes bigint NOT NULL CHECK (received_bytes >= 0),
  sent_bytes bigint NOT NULL CHECK (sent_bytes >= 0),
  PRIMARY KEY (agent_id, resolution, at),
  FOREIGN KEY (agent_id, client_id) REFERENCES agents (id, client_id) ON DELETE CASCADE
) PARTITION BY LIST (resolution);
-- Each resolution is kept for another time (src/domain/metric_window.hpp).
CREATE TABLE agent_metrics_15s PARTITION OF agent_metrics FOR VALUES IN (15);
CREATE TABLE agent_metrics_1min PARTITION OF agent_metrics FOR VALUES IN (60);
CREATE TABLE agent_metrics_15min PARTITION OF agent_metrics FOR VALUES IN (900);
CREATE INDEX agent_metrics_age ON agent_metrics (at);

DO $$
DECLARE
  part text;
BEGIN
  -- Row security is not inherited by partitions named directly.
  FOREACH part IN ARRAY ARRAY['agent_metrics', 'agent_metrics_15s', 'agent_metrics_1min',
                              'agent_metrics_15min'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
  END LOOP;
END
$$;
CREATE POLICY tenant ON agent_metrics FOR SELECT TO deployclaw_api USING (client_id = current_client());
CREATE POLICY platform ON agent_metrics TO deployclaw_orchestrator USING (true) WITH CHECK (true);
GRANT SELECT ON agent_metrics TO deployclaw_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON agent_metrics TO deployclaw_orchestrator;

-- Tokens and spend over time come from the records of model calls: few among an agent's many.
CREATE INDEX audit_model_calls ON audit_logs (agent_id, created_at) WHERE metadata ? 'spentMicroUsd';
RESET ROLE;
