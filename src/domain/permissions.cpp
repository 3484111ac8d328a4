#include "domain/permissions.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "domain/json_reading.hpp"
#include "domain/names.hpp"

namespace deployclaw::domain {
namespace {

namespace json = boost::json;
using Errors = std::vector<FieldError>;

constexpr std::size_t kMostDomains = 500;
constexpr std::int64_t kMostRequests = 1'000'000;
constexpr double kMostSpend = 100'000;

void add(Errors& errors, std::string pointer, std::string detail) {
  errors.push_back({std::move(pointer), std::move(detail)});
}

const json::array* array_at(const json::value& value, const std::string& pointer, Errors& errors) {
  if (const auto* array = value.if_array()) return array;
  add(errors, pointer, "must be an array");
  return nullptr;
}

std::vector<std::string> read_scopes(const json::value& value, const std::string& pointer,
                                     Errors& errors) {
  std::vector<std::string> scopes;
  const auto* array = array_at(value, pointer, errors);
  if (array == nullptr) return scopes;
  for (std::size_t i = 0; i < array->size(); ++i) {
    if (i >= 2 * kScopes.size()) {
      add(errors, pointer, "has too many entries");
      break;
    }
    const auto* text = (*array)[i].if_string();
    if (text == nullptr || !is_scope(*text)) {
      add(errors, pointer_below(pointer, i), "is not a known scope");
    } else if (std::ranges::find(scopes, std::string_view(*text)) != scopes.end()) {
      add(errors, pointer_below(pointer, i), "is listed twice");
    } else {
      scopes.emplace_back(*text);
    }
  }
  return scopes;
}

RateLimit read_rate_limit(const json::value& value, const std::string& pointer, Errors& errors) {
  RateLimit limit;
  const auto* object = value.if_object();
  if (object == nullptr) {
    add(errors, pointer, "must be an object with maxPerHour, maxPerDay or both");
    return limit;
  }
  const auto before = errors.size();
  for (const auto& member : *object) {
    const auto at = pointer_below(pointer, member.key());
    if (member.key() == "maxPerHour") {
      limit.max_per_hour = whole_number(member.value(), 1, kMostRequests, at, errors);
    } else if (member.key() == "maxPerDay") {
      limit.max_per_day = whole_number(member.value(), 1, kMostRequests, at, errors);
    } else {
      add(errors, at, "is not a known field");
    }
  }
  if (errors.size() > before) return limit;
  if (!limit.max_per_hour && !limit.max_per_day) {
    add(errors, pointer, "must have maxPerHour, maxPerDay or both");
  } else if (limit.max_per_hour && limit.max_per_day && *limit.max_per_day < *limit.max_per_hour) {
    add(errors, pointer_below(pointer, "maxPerDay"), "must not be less than maxPerHour");
  }
  return limit;
}

std::map<std::string, RateLimit> read_rate_limits(const json::value& value,
                                                  const std::string& pointer, Errors& errors) {
  std::map<std::string, RateLimit> limits;
  const auto* object = value.if_object();
  if (object == nullptr) {
    add(errors, pointer, "must be an object of limits by scope");
    return limits;
  }
  for (const auto& member : *object) {
    const auto at = pointer_below(pointer, member.key());
    if (!is_scope(member.key())) {
      add(errors, at, "is not a known scope");
      if (limits.size() + errors.size() > 100) break;
      continue;
    }
    limits.emplace(member.key(), read_rate_limit(member.value(), at, errors));
  }
  return limits;
}

std::vector<std::string> read_domains(const json::value& value, const std::string& pointer,
                                      Errors& errors) {
  std::vector<std::string> domains;
  const auto* array = array_at(value, pointer, errors);
  if (array == nullptr) return domains;
  if (array->size() > kMostDomains) {
    add(errors, pointer, "has more than 500 entries");
    return domains;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto at = pointer_below(pointer, i);
    const auto* text = (*array)[i].if_string();
    if (text == nullptr) {
      add(errors, at, "must be a string");
      continue;
    }
    const auto domain = allowed_domain(*text);
    if (!domain) {
      add(errors, at, domain.error());
    } else if (std::ranges::find(domains, domain->to_string()) == domains.end()) {
      domains.push_back(domain->to_string());
    }
  }
  return domains;
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array array;
  array.reserve(texts.size());
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace

bool is_scope(std::string_view text) { return std::ranges::find(kScopes, text) != kScopes.end(); }

Permissions read_permissions(const json::value& value, std::string_view base, Errors& errors) {
  Permissions permissions;
  const auto* object = value.if_object();
  if (object == nullptr) {
    add(errors, std::string(base), "must be an object");
    return permissions;
  }
  if (!object->contains("scopes")) add(errors, pointer_below(base, "scopes"), "is required");
  for (const auto& member : *object) {
    const auto at = pointer_below(base, member.key());
    if (member.key() == "scopes") {
      permissions.scopes = read_scopes(member.value(), at, errors);
    } else if (member.key() == "rateLimits") {
      permissions.rate_limits = read_rate_limits(member.value(), at, errors);
    } else if (member.key() == "allowedDomains") {
      permissions.allowed_domains = read_domains(member.value(), at, errors);
    } else if (member.key() == "maxDailyTokenSpend") {
      permissions.max_daily_token_spend = finite_number(member.value());
      const auto& spend = permissions.max_daily_token_spend;
      if (!spend || *spend < 0 || *spend > kMostSpend) {
        add(errors, at, "must be a number of US dollars from 0 to 100000");
      }
    } else if (member.key() == "approval") {
      permissions.approval = read_scopes(member.value(), at, errors);
    } else {
      add(errors, at, "is not a known field");
    }
  }
  return permissions;
}

json::object to_json(const Permissions& permissions) {
  json::object limits;
  for (const auto& [scope, limit] : permissions.rate_limits) {
    json::object entry;
    if (limit.max_per_hour) entry["maxPerHour"] = *limit.max_per_hour;
    if (limit.max_per_day) entry["maxPerDay"] = *limit.max_per_day;
    limits[scope] = std::move(entry);
  }
  json::object out;
  out["scopes"] = to_array(permissions.scopes);
  out["rateLimits"] = std::move(limits);
  out["allowedDomains"] = to_array(permissions.allowed_domains);
  if (permissions.max_daily_token_spend) {
    out["maxDailyTokenSpend"] = *permissions.max_daily_token_spend;
  }
  out["approval"] = to_array(permissions.approval);
  return out;
}

}  // namespace deployclaw::domain
