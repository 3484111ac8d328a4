#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "app/settings.hpp"
#include "base/result.hpp"

namespace deployclaw::app {

// Loads the tar of an image into the engine behind `socket` as `reference`. Blocking.
Result<std::string> import_image(const std::filesystem::path& socket,
                                 const std::filesystem::path& tar, const std::string& reference,
                                 const std::vector<std::string>& changes);

// The id of `reference` in the engine behind `socket`, "" when it is not there. Blocking.
Result<std::string> find_image(const std::filesystem::path& socket, const std::string& reference);

// Puts every image recorded in <home>/images into the engine that does not hold it yet, out of the
// cache. What cannot be loaded is told through `progress` and left to `deployclaw image build`.
void load_recorded_images(const Settings& settings, const std::string& home,
                          const std::string& docker_host,
                          const std::function<void(const std::string&)>& progress);

}  // namespace deployclaw::app
