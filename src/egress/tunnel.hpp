#pragma once

#include <cstdint>

#include "egress/stream_reader.hpp"
#include "egress/worker_shared.hpp"

namespace deployclaw::egress {

struct TunnelCounts {
  std::uint64_t sent = 0;      // from the agent
  std::uint64_t received = 0;  // from the upstream
  bool ended_well = false;     // both sides said that they were done
};

// Carries bytes both ways, unread, until both sides have ended or nothing has come for
// `shared.deadlines.tunnel`. Half-close is passed on. What the readers hold goes first.
Task<TunnelCounts> carry(WorkerShared& shared, StreamReader& agent, StreamReader& upstream);

}  // namespace deployclaw::egress
