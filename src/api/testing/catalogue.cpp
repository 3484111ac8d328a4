#include "api/testing/catalogue.hpp"

#include <cstdio>
#include <cstdlib>

#include "runtimes/catalogue.hpp"
#include "services/catalogue.hpp"

namespace deployclaw::api::testing {
namespace {

template <class Catalogue>
Catalogue loaded() {
  auto catalogue = Catalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog");
  if (!catalogue) {
    std::fprintf(stderr, "%s\n", catalogue.error().message.c_str());
    std::abort();
  }
  return std::move(*catalogue);
}

}  // namespace

const runtimes::Catalogue& test_catalogue() {
  static const auto catalogue = loaded<runtimes::Catalogue>();
  return catalogue;
}

const services::Catalogue& test_service_catalogue() {
  static const auto catalogue = loaded<services::Catalogue>();
  return catalogue;
}

}  // namespace deployclaw::api::testing
