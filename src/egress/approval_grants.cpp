#include "egress/approval_grants.hpp"

#include <algorithm>

namespace deployclaw::egress {

void ApprovalGrants::lend(const ApprovalHoldKey& to, const Grant& grant) {
  if (lent_.size() < kMost) lent_.emplace(to, grant);
}

void ApprovalGrants::give_back(const ApprovalHoldKey& from) {
  const auto lent = lent_.extract(from);
  if (!lent.empty()) keep(lent.mapped());
}

void ApprovalGrants::keep(const Grant& grant) {
  if (kept_.size() < kMost) kept_.push_back(grant);
}

std::optional<ApprovalGrants::Grant> ApprovalGrants::take(ClientId client, AgentId agent,
                                                          const Digest& digest, Time now) {
  forget_what_is_over(now);
  const auto found = std::ranges::find_if(kept_, [&](const Grant& one) {
    return one.client == client && one.agent == agent && one.digest == digest;
  });
  if (found == kept_.end()) return std::nullopt;
  const auto grant = *found;
  kept_.erase(found);
  return grant;
}

void ApprovalGrants::forget_of(AgentId agent) {
  std::erase_if(lent_, [&](const auto& entry) { return entry.second.agent == agent; });
  std::erase_if(kept_, [&](const Grant& one) { return one.agent == agent; });
}

void ApprovalGrants::forget_lent_to(const ApprovalAsker& asker) {
  std::erase_if(lent_, [&](const auto& entry) { return entry.first.first == asker; });
}

void ApprovalGrants::forget_all() {
  lent_.clear();
  kept_.clear();
}

void ApprovalGrants::forget_what_is_over(Time now) {
  std::erase_if(lent_, [&](const auto& entry) { return entry.second.expires_at <= now; });
  std::erase_if(kept_, [&](const Grant& one) { return one.expires_at <= now; });
}

}  // namespace deployclaw::egress
