#include "api/testing/catalogue.hpp"

#include <cstdio>
#include <cstdlib>

#include "runtimes/catalogue.hpp"

namespace deployclaw::api::testing {

const runtimes::Catalogue& test_catalogue() {
  static const runtimes::Catalogue catalogue = [] {
    auto loaded = runtimes::Catalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog");
    if (!loaded) {
      std::fprintf(stderr, "runtime catalogue: %s\n", loaded.error().message.c_str());
      std::abort();
    }
    return std::move(*loaded);
  }();
  return catalogue;
}

}  // namespace deployclaw::api::testing
