#include "domain/permissions_diff.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>

namespace deployclaw::domain {
namespace {

namespace json = boost::json;

json::array missing_in(const std::vector<std::string>& of, const std::vector<std::string>& in) {
  json::array out;
  for (const auto& text : std::set<std::string>(of.begin(), of.end())) {
    if (std::ranges::find(in, text) == in.end()) out.emplace_back(text);
  }
  return out;
}

void compare_lists(json::object& out, std::string_view field,
                   const std::vector<std::string>& before, const std::vector<std::string>& after) {
  json::object change;
  if (auto added = missing_in(after, before); !added.empty()) change["added"] = std::move(added);
  if (auto gone = missing_in(before, after); !gone.empty()) change["removed"] = std::move(gone);
  if (!change.empty()) out[field] = std::move(change);
}

json::value limit_of(const Permissions& permissions, const std::string& scope) {
  const auto found = permissions.rate_limits.find(scope);
  if (found == permissions.rate_limits.end()) return nullptr;
  json::object out;
  if (found->second.max_per_hour) out["maxPerHour"] = *found->second.max_per_hour;
  if (found->second.max_per_day) out["maxPerDay"] = *found->second.max_per_day;
  return out;
}

json::value spend_of(const Permissions& permissions) {
  const auto& spend = permissions.max_daily_token_spend;
  return spend ? json::value(*spend) : json::value(nullptr);
}

}  // namespace

json::object diff(const Permissions& before, const Permissions& after) {
  json::object out;
  compare_lists(out, "scopes", before.scopes, after.scopes);
  compare_lists(out, "allowedDomains", before.allowed_domains, after.allowed_domains);
  compare_lists(out, "approval", before.approval, after.approval);
  json::object limits;
  std::set<std::string> scopes;
  for (const auto& [scope, limit] : before.rate_limits) scopes.insert(scope);
  for (const auto& [scope, limit] : after.rate_limits) scopes.insert(scope);
  for (const auto& scope : scopes) {
    auto from = limit_of(before, scope);
    auto to = limit_of(after, scope);
    if (from != to) limits[scope] = {{"from", std::move(from)}, {"to", std::move(to)}};
  }
  if (!limits.empty()) out["rateLimits"] = std::move(limits);
  if (before.max_daily_token_spend != after.max_daily_token_spend) {
    out["maxDailyTokenSpend"] = {{"from", spend_of(before)}, {"to", spend_of(after)}};
  }
  return out;
}

}  // namespace deployclaw::domain
