#pragma once

#include "base/ids.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

// What the calls on one deployment share.
namespace deployclaw::api::agents {

// The ":deployment" of /api/agents/:id/deployments/:deployment…; an id that is none answers like
// one that is not there.
Result<DeploymentId> deployment_of(const http::Request& request);
// kNotFound in the words for a deployment.
std::unexpected<Error> no_such_deployment();

}  // namespace deployclaw::api::agents
