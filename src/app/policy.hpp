#pragma once

#include <string>

#include "app/settings.hpp"

namespace deployclaw::app {

struct ExplainOptions {
  std::string agent;  // id, or a name that only one agent has
  std::string method;
  std::string url;
  std::string body;  // JSON, "" for none
  bool json = false;
};

// `deployclaw policy explain`: what the agent's present permissions say to one request, for the
// operator. Reads the database as the egress role, so it sees what egress sees. Exit code: 0
// allowed, 1 denied or it depends on the body, 2 when there is no answer.
int policy_explain(const Settings& settings, const ExplainOptions& options);

}  // namespace deployclaw::app
