#pragma once

#include <functional>
#include <string>

namespace deployclaw::app {

// Puts every image recorded in <home>/images into the engine at `docker_host` that does not hold it
// yet: out of the cache, or built again when the cache has lost it. `catalog_dir` is the original
// catalogue, beside which the recipes are. What cannot be loaded is told through `progress`.
void load_recorded_images(const std::string& catalog_dir, const std::string& home,
                          const std::string& docker_host,
                          const std::function<void(const std::string&)>& progress);

}  // namespace deployclaw::app
