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

// Carries the frames of an open WebSocket. From the upstream: secrets are turned back, without
// holding a frame. From the agent: messages are looked through for placeholders and secrets; where
// the decision names a place in messages, text messages of up to 64 KiB are read whole and the
// placeholder there is replaced. Whatever breaks RFC 6455 ends both sides.
Task<WebSocketCounts> carry_websocket(WorkerShared& shared,
                                      std::shared_ptr<const AgentContext> agent,
                                      std::vector<services::Injection> injections,
                                      StreamReader& agent_side, StreamReader& upstream_side);

}  // namespace deployclaw::egress
