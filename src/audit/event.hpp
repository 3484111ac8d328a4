#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "base/ids.hpp"

namespace deployclaw::audit {

// Something that happened, as the audit log keeps it. Never holds a secret.
struct Event {
  ClientId client;
  std::optional<AgentId> agent = {};  // none for events that concern no agent
  std::string actor_type;             // user, api_key, agent, system, operator
  std::string actor_id = {};          // a user's or key's id, a role's name; may be empty
  std::string action_type;            // "agent.create", "credential.write", "auth.login", …
  std::string target = {};            // what it was done to: a name, an id, a host
  std::string outcome = "success";    // success, denied, failure, pending
  boost::json::object metadata = {};
  std::string ip = {};  // the caller's address; empty when there is none
};

}  // namespace deployclaw::audit
