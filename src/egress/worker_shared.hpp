#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "dns/label_budget.hpp"
#include "dns/synthetic_addresses.hpp"
#include "egress/agent_context.hpp"
#include "egress/audit_trail.hpp"
#include "egress/deadlines.hpp"
#include "egress/model_call.hpp"
#include "egress/stream_reader.hpp"
#include "egress/upstreams.hpp"
#include "models/price_catalogue.hpp"

namespace deployclaw::egress {

class ApprovalDesk;
class TokenRenewer;

// The names that one agent uses: addresses that stand for them, and how many below a wildcard.
struct AgentNames {
  dns::SyntheticAddresses addresses;
  dns::LabelBudget budget;
};

// A longer head, of a request or an answer, is refused.
inline constexpr std::size_t kMostHead = 64UL * 1024;

// Ids for what is asked: unique, and no more. From a random start, so that another worker's differ.
class RequestIds {
 public:
  RequestIds();
  std::string next();

 private:
  std::uint64_t last_ = 0;
};

// What all connections of one worker share. One thread.
struct WorkerShared {
  boost::asio::any_io_executor executor;
  const Clock& clock;
  net::CoarseTimer& timer;
  AuditTrail& trail;
  Upstreams& upstreams;
  std::function<void(AgentId, std::string_view credential)> on_used;
  models::PriceCatalogue prices = {};
  BodyBudget model_bodies = {};
  BufferPool buffers = {};
  RequestIds request_ids = {};
  Deadlines deadlines = {};
  std::unique_ptr<net::TlsServerContexts> authority = {};  // null: TLS is not intercepted
  AgentContexts agents = {};
  std::map<AgentId, AgentNames> names = {};
  TokenRenewer* renewer = nullptr;  // there once a worker has a configuration
  ApprovalDesk* approvals = nullptr;

  // The agent's present policy; null for one that reaches nothing.
  [[nodiscard]] std::shared_ptr<const AgentContext> agent(AgentId id) const {
    const auto found = agents.find(id);
    return found == agents.end() ? nullptr : found->second;
  }
};

}  // namespace deployclaw::egress
