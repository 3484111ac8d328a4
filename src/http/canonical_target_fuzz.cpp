// Hostile request targets and authorities: never crashes; what is accepted reads as itself again.
#include <cstdlib>

#include "http/canonical_target.hpp"

namespace {

namespace http = deployclaw::http;

void check_target(std::string_view text, http::Addresses addresses) {
  const auto once = http::canonical_target(text, addresses);
  if (!once) return;
  const auto form = once->origin_form();
  const auto twice = http::canonical_target(form, addresses);
  if (!twice || twice->origin_form() != form) std::abort();
  if (!once->path.starts_with('/') || once->path.contains("//")) std::abort();
  for (const auto segment : http::PathSegments(once->path).all()) {
    if (segment == "." || segment == "..") std::abort();
  }
}

void check_authority(std::string_view text, http::Addresses addresses) {
  const auto once = http::parse_authority(text, addresses);
  if (!once) return;
  if (once->is_address && addresses == http::Addresses::kRefuse) std::abort();
  const bool six = once->host.contains(':');
  const auto again = http::parse_authority(six ? "[" + once->host + "]" : once->host, addresses);
  if (!again || again->host != once->host) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto addresses : {http::Addresses::kRefuse, http::Addresses::kAccept}) {
    check_target(text, addresses);
    check_authority(text, addresses);
  }
  return 0;
}
