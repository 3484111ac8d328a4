#pragma once

#include <memory>

#include "docker/container_runtime.hpp"
#include "docker/engine.hpp"

namespace deployclaw::docker {

// ContainerRuntime on a Docker Engine (API 1.41 or later). Containers are named `dc-<agent id>` and
// labelled io.deployclaw.{agent,client,generation,instance}. `engine` must outlive it.
std::unique_ptr<ContainerRuntime> make_docker_runtime(Engine& engine);

}  // namespace deployclaw::docker
