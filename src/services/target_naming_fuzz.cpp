#include <cstdint>
#include <cstdlib>

#include "base/encoding.hpp"
#include "services/target_naming.hpp"

// Whatever a body holds: the target is bounded, well-formed UTF-8 without control characters.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deployclaw;
  using namespace deployclaw::services;
  if (size == 0) return 0;
  constexpr std::string_view kTypes[] = {"application/json", "application/x-www-form-urlencoded",
                                         "multipart/form-data; boundary=B", "message/rfc822"};
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const BodyFacts known{.content_type = kTypes[data[0] % 4], .bytes = body};
  const auto target =
      name_target("{body:/a/*/b|body:/to|form:to|query:to} {mime:/raw:to,cc|mime::to} {path}",
                  {.host = "h", .path = body, .query = body, .body = &known});
  if (target.size() > kLongestTargetText || !is_utf8(target)) std::abort();
  for (const char c : target) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  return 0;
}
