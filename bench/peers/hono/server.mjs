// GET /api/agents as one would write it with Hono 4 and pg: find the session by the cookie's hash, set
// the tenant, list the agents with their newest deployment. The same SQL and the same JSON as ours.

import { serve } from '@hono/node-server';
import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import pg from 'pg';

const pool = new pg.Pool({ host: process.env.PGHOST, database: 'deployclaw', user: 'deployclaw_api',
  password: process.env.PGPASSWORD, max: 8 });

const FIND_SESSION = { name: 'find_session', text:
  "SELECT * FROM auth.find_session($1, interval '30 minutes')" };
const SET_TENANT = { name: 'set_tenant', text: "SELECT set_config('deployclaw.client_id', $1, true)" };
const LIST = { name: 'list', text: `
  SELECT a.id, a.name, a.runtime, a.runtime_version, a.status, a.desired_state, a.status_reason, a.config,
         a.permissions, a.resources, a.host, a.endpoint, a.generation, a.created_at, a.updated_at,
         d.id AS d_id, d.kind, d.state, d.generation AS d_generation, d.steps, d.exit_code, d.last_output,
         d.reason, d.created_at AS d_created_at, d.ended_at
  FROM agents a LEFT JOIN LATERAL (SELECT * FROM deployments x WHERE x.agent_id = a.id
    ORDER BY x.created_at DESC LIMIT 1) d ON true
  ORDER BY a.created_at DESC, a.id DESC LIMIT $1` };

const app = new Hono();
app.get('/api/agents', async (c) => {
  const token = getCookie(c, '__Host-deployclaw');
  if (!token) return c.json({ code: 'unauthenticated' }, 401);
  const hash = createHash('sha256').update(token).digest();
  const session = (await pool.query({ ...FIND_SESSION, values: [hash] })).rows[0];
  if (!session || session.level !== 'full') return c.json({ code: 'unauthenticated' }, 401);

  const client = await pool.connect();
  let rows;
  try {
    await client.query('BEGIN');
    await client.query({ ...SET_TENANT, values: [session.client_id] });
    rows = (await client.query({ ...LIST, values: [51] })).rows;
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  const items = rows.slice(0, 50).map((a) => ({
    id: a.id, name: a.name, runtime: a.runtime, runtimeVersion: a.runtime_version, status: a.status,
    desiredState: a.desired_state, statusReason: a.status_reason, config: a.config,
    permissions: a.permissions, resources: a.resources, host: a.host, endpoint: a.endpoint,
    generation: Number(a.generation),
    deployment: a.d_id === null ? null : {
      id: a.d_id, kind: a.kind, state: a.state, generation: Number(a.d_generation), steps: a.steps,
      exitCode: a.exit_code, lastOutput: a.last_output, reason: a.reason, createdAt: a.d_created_at,
      endedAt: a.ended_at },
    createdAt: a.created_at, updatedAt: a.updated_at }));
  return c.json({ items, nextCursor: null });
});

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) }, () => {
  console.log('listening');
});
