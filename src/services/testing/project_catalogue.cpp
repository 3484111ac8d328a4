#include "services/testing/project_catalogue.hpp"

#include <cstdio>
#include <cstdlib>

namespace deployclaw::services::testing {

const Catalogue& project_catalogue() {
  static const Catalogue catalogue = [] {
    auto loaded = Catalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog");
    if (!loaded) {
      std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
      std::abort();
    }
    return std::move(*loaded);
  }();
  return catalogue;
}

}  // namespace deployclaw::services::testing
