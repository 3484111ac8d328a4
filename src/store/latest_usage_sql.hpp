#pragma once

// Parts of the statements that tell what an agent uses now; for src/store alone. Macros, because a
// statement is one constant.

// A lateral join behind `agents a`: `u` is the newest sample of an agent that is to run, where it
// is at most a minute old (a sample is known 15 s after its stretch began).
#define DEPLOYCLAW_LATEST_USAGE                                                \
  " LEFT JOIN LATERAL (SELECT * FROM agent_metrics m WHERE m.agent_id = a.id " \
  "AND m.resolution = 15 AND m.at > now() - interval '75 seconds' "            \
  "AND a.desired_state = 'running' ORDER BY m.at DESC LIMIT 1) u ON true "

#define DEPLOYCLAW_USAGE_COLUMNS                                                    \
  "round((100 * u.cpu_seconds / u.measured_seconds)::numeric, 2), u.memory_bytes, " \
  "u.memory_limit_bytes"
