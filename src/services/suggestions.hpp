#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "domain/permissions.hpp"
#include "services/policy.hpp"
#include "services/recorded_request.hpp"

// The narrowest change of permissions that would have let refused requests through. Pure; nothing
// is ever applied by itself.
namespace deployclaw::services {

// What a policy is compiled of.
struct PolicyParts {
  Catalogue catalogue;
  domain::Permissions permissions;
  std::vector<AgentCredential> credentials;
};

// Refusals that are alike; `request` is the latest.
struct DenialGroup {
  RecordedRequest request;
  std::string missing_scope;
  std::int64_t count = 0;
  Time last_at;
};

// At most one scope and one domain: what one request can lack.
struct Change {
  std::string scope = {};   // to be added, "" for none
  std::string domain = {};  // "" for none
  bool operator==(const Change&) const = default;
};

struct Suggestion {
  std::string id;  // stable: "scope:email:read", "domain:api.x.com", "domain:…+scope:…"
  Change change;
  std::string sentence;
  std::int64_t count = 0;
  Time last_at;
  std::string example;  // the latest, as describe() has it
};

// Refused whatever an owner grants.
struct NotGrantable {
  std::string rule;  // "" when no rule knows it
  std::string host;
  std::string reason;
  std::int64_t count = 0;
  Time last_at;
  std::string example;
};

struct Suggestions {
  std::vector<Suggestion> items;            // most frequent first
  std::vector<NotGrantable> not_grantable;  // most frequent first
};

// Groups that the present permissions would let through by now are left out. Each change makes its
// groups pass and keeps the rules of domain::read_permissions. kInvalid when `parts` do not
// compile.
Result<Suggestions> suggest(const PolicyParts& parts, std::span<const DenialGroup> groups);

// The permissions with the change made.
domain::Permissions with(domain::Permissions permissions, const Change& change);

// The same as a JSON Patch (RFC 6902) of domain::to_json(permissions).
boost::json::array json_patch(const Change& change);

// "read e-mail" for "email:read": what a scope lets an agent do, in words.
std::string_view in_words(std::string_view scope);

}  // namespace deployclaw::services
