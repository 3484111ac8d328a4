#pragma once

#include <string>

#include "egress/exchange.hpp"

namespace deployclaw::egress {

struct WebSocketCounts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::vector<scrub::Hit> hits;
  std::vector<std::string> used;  // credentials put into messages
  std::optional<Error> refused;   // why it was broken off
};

// Carries the frames of an open WebSocket through websocket_messages.hpp. What is refused there, in
// either direction, ends both: the agent is told with a close frame (1008, policy violation) where
// one can still be put, the upstream's connection just ends. After a close frame the other side has
// a moment to answer it.
Task<WebSocketCounts> carry_websocket(WorkerShared& shared,
                                      std::shared_ptr<const AgentContext> agent,
                                      std::vector<services::Injection> injections,
                                      StreamReader& agent_side, StreamReader& upstream_side);

}  // namespace deployclaw::egress
