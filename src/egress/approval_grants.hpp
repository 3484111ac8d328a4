#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "domain/approval_id.hpp"

namespace deployclaw::egress {

// One worker: its client and its number.
struct ApprovalAsker {
  ClientId client;
  std::uint32_t worker = 0;
  auto operator<=>(const ApprovalAsker&) const = default;
};
// One request of it that waits.
using ApprovalHoldKey = std::pair<ApprovalAsker, std::uint64_t>;

// Grants that are used in the database, while it may still turn out that nothing was sent for them.
// A worker that could not send gives its grant back; then the next who asks for exactly the same
// gets it, once, while it lasts. In memory only: what is killed meanwhile has to be granted anew.
// Pure; one thread.
class ApprovalGrants {
 public:
  using Digest = std::array<unsigned char, 32>;
  static constexpr std::size_t kMost = 4096;

  struct Grant {
    ClientId client;
    AgentId agent;
    Digest digest{};
    ApprovalId id;
    Time expires_at = {};
  };

  // It was used for that hold, whose worker is told next.
  void lend(const ApprovalHoldKey& to, const Grant& grant);
  // Nothing was sent for that hold. Nothing for one that has none.
  void give_back(const ApprovalHoldKey& from);
  // It was used for a request that had gone.
  void keep(const Grant& grant);
  // The one that was given back for exactly this request.
  std::optional<Grant> take(ClientId client, AgentId agent, const Digest& digest, Time now);

  // A person has said no to something of that agent, perhaps to the same: the newest word counts.
  void forget_of(AgentId agent);
  // What such a worker was lent may have been sent.
  void forget_lent_to(const ApprovalAsker& asker);
  void forget_all();
  void forget_what_is_over(Time now);

 private:
  std::map<ApprovalHoldKey, Grant> lent_;
  std::vector<Grant> kept_;
};

}  // namespace deployclaw::egress
