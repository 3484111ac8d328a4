#pragma once

#include "api/agents/request.hpp"
#include "api/services.hpp"

namespace deployclaw::api::agents {

// The config with its sensitive values sealed in place, each under its JSON pointer as the name and
// purpose "config".
Task<Result<boost::json::object>> seal_config(Services& services, ClientId client, Bytes salt,
                                              AgentId agent, CheckedConfig checked);

// `config`, an earlier one of this agent's as it was stored, with its sealed values fit for today:
// each is opened by the vault, which alone sees it, and sealed again where its key is not the
// newest. One that stands in `present` in the same place stays as it is, so that putting back what
// is there changes nothing. kInvalid with the pointer, below /config, of each that can no longer be
// opened; kUnavailable while the vault itself cannot be had.
Task<Result<boost::json::object>> reseal_config(Services& services, ClientId client, Bytes salt,
                                                AgentId agent, boost::json::object config,
                                                const boost::json::object& present);

}  // namespace deployclaw::api::agents
