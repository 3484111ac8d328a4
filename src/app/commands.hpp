#pragma once

#include <string>
#include <string_view>

#include "app/settings.hpp"
#include "base/result.hpp"

namespace deployclaw::app {

// The version of this build.
std::string_view version();

// Checks every value's range and fills defaults that depend on the machine (catalog_dir, host
// name). An error names the setting and its rule.
Status complete(Settings& settings);

// The commands below print to stdout, tell trouble on stderr and return an exit code.

int migrate(const Settings& settings, bool status_only);
int vault_status(const Settings& settings, bool json);
int vault_rotate(const Settings& settings, bool json);

struct ImageOptions {
  std::string runtime;
  bool no_cache = false;
  std::string archive;
  std::string sha256;
};
int image_build(const Settings& settings, const ImageOptions& options);
int image_list(const Settings& settings);

}  // namespace deployclaw::app
