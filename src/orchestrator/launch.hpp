#pragma once

#include <string>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "docker/container.hpp"
#include "domain/resources.hpp"
#include "domain/state_access.hpp"
#include "orchestrator/config.hpp"
#include "orchestrator/volumes.hpp"
#include "runtimes/catalogue.hpp"
#include "store/orchestrator_agents.hpp"
#include "vault/vault.hpp"

// From a deployment's spec to what is asked of the engine and written into the volume.
namespace deployclaw::orchestrator {

// A spec together with the runtime that it names.
struct Launch {
  AgentId agent;
  std::int64_t generation = 0;
  store::LaunchSpec spec;
  const runtimes::Runtime* runtime = nullptr;
  domain::Resources resources;
  domain::StateAccess access = domain::StateAccess::kNone;  // to the agent's own volume
  boost::json::object customer_config;
};

// kNotFound when this host's catalogue has no such runtime.
Result<Launch> make_launch(const runtimes::Catalogue& catalogue, const Config& config,
                           AgentId agent, std::int64_t generation, store::LaunchSpec spec);

// The image the container will be made from. kNotFound, with what to do about it, when the image
// was never built here.
Result<std::string> image_reference(const Launch& launch, const Config& config);

// "agent-<first 12 hex digits of the id>": stable, because a runtime may tie a lease on its volume
// to it.
std::string host_name_of(AgentId agent);

// How much memory a view of the volume takes at most: half of the agent's, since it counts against
// it, and no more than the volume has.
std::uint64_t view_bytes(const Launch& launch);

// What of the host a container sees.
struct HostPaths {
  std::string state_directory;
  std::string ca_bundle;  // read-only there
};

docker::ContainerSpec container_spec(const Launch& launch, const Config& config,
                                     const std::string& instance, const std::string& image,
                                     const HostPaths& paths);

// The runtime's config file with the agent's gateway token in it; nullopt when the runtime has
// none.
Task<Result<std::optional<ConfigWrite>>> render_config_file(const Launch& launch,
                                                            const Config& config,
                                                            vault::Vault& vault);

}  // namespace deployclaw::orchestrator
