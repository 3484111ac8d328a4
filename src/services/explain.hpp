#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/default_limits.hpp"
#include "domain/permissions.hpp"
#include "services/policy.hpp"

// Why a request would be let through or refused, for people. Pure.
namespace deployclaw::services {

enum class Verdict : std::uint8_t {
  kAllowed,
  kDenied,
  kNeedsBody,  // a rule looks into the body, and none was given
};
std::string_view to_string(Verdict verdict);  // "allowed", "denied", "needs_body"

struct Question {
  std::string method;
  // http, https, ws or wss; or tcp://host:port for a connection that is not read.
  std::string url;
  std::optional<boost::json::value> body = {};
};

struct Explanation {
  Verdict verdict = Verdict::kDenied;
  std::string layer;  // who refused: "" when allowed
  std::string rule;
  std::string rule_file;  // "catalog/services/gmail.toml:41", "" for other rules
  std::string service;
  std::string scope;
  std::string action;
  std::string target;
  std::string missing_scope;
  std::string reason;
  // What is left of the chain once it is allowed; of scopes only.
  std::optional<domain::WindowLimits> limits;
  bool default_limits = false;  // the permissions name none for this scope
  bool approval = false;        // each such request waits for a person
};

// The verdict of `policy`, which was compiled of `permissions`, on one request, as egress would
// find it: the URL takes its canonical form first. kInvalid names the field ("/method", "/url")
// and why when egress would not even read the request.
Result<Explanation> explain(const AgentPolicy& policy, const domain::Permissions& permissions,
                            const Question& question);

// {verdict, layer, rule, ruleFile, service, scope, action, target, missingScope, reason, limits:
// {maxPerHour, maxPerDay, default}, approval}; null for what does not apply.
boost::json::object to_json(const Explanation& explanation);

}  // namespace deployclaw::services
