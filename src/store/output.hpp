#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// The agents' own output, as the orchestrator collected it.
namespace deployclaw::store {

struct OutputColumn {
  enum : int { kSeq, kAt /* RFC 3339 */, kStream, kLine };
};
// The newest `tail` lines that are not older than `since`, oldest first.
Task<Result<db::Rows>> output_tail(db::Database& db, ClientId client, AgentId agent,
                                   std::int64_t tail, std::optional<Time> since);
// Up to `limit` lines behind line `seq`, oldest first.
Task<Result<db::Rows>> output_after(db::Database& db, ClientId client, AgentId agent,
                                    std::int64_t seq, std::int64_t limit);

// What a stream that stays open asks again and again.
struct StreamCheck {
  bool session_lives = false;
  bool agent_exists = false;
};
Task<Result<StreamCheck>> check_stream(db::Database& db, ClientId client, SessionId session,
                                       AgentId agent);

}  // namespace deployclaw::store
