#pragma once

#include "api/agents/request.hpp"
#include "api/services.hpp"

namespace deployclaw::api::agents {

// The config with its sensitive values sealed in place, each under its JSON pointer as the name and
// purpose "config".
Task<Result<boost::json::object>> seal_config(Services& services, ClientId client, Bytes salt,
                                              AgentId agent, CheckedConfig checked);

}  // namespace deployclaw::api::agents
