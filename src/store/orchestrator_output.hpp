#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// The agents' own output, as the collector stores it.
namespace deployclaw::store {

struct OutputLine {
  Time at{};
  bool is_stderr = false;
  std::string text;  // valid UTF-8 without NUL; of control characters tab and SGR sequences
};

// Appends `lines` and keeps the newest `keep` of the agent. Nothing happens when the agent is gone.
Task<Status> append_output(db::Database& db, AgentId agent, ClientId client,
                           std::vector<OutputLine> lines, std::int64_t keep);

// The time of the newest line that was stored, to go on from; nullopt without any.
struct OutputEnd {
  Time at{};
  std::int64_t lines_at = 0;  // how many lines bear that very time
};
Task<Result<std::optional<OutputEnd>>> find_output_end(db::Database& db, AgentId agent);

}  // namespace deployclaw::store
