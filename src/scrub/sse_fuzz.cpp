// Hostile event streams: never crashes, keeps its bound, and reads the same however it is split.
#include <cstdlib>
#include <string>

#include "scrub/sse.hpp"

namespace {

constexpr std::size_t kMost = 64;

std::string read(std::string_view in, std::size_t step, bool& good) {
  deployclaw::scrub::SseParser parser(kMost);
  std::string log;
  good = true;
  while (!in.empty() && good) {
    good = parser
               .feed(in.substr(0, step),
                     [&log](const auto& event) {
                       if (event.data.size() > kMost || event.event.size() > kMost) std::abort();
                       log += std::string(event.event) + '\1' + std::string(event.data) + '\2' +
                              std::string(event.id) + '\3';
                     })
               .has_value();
    in.remove_prefix(std::min(step, in.size()));
  }
  return log + std::to_string(parser.retry_ms().value_or(7));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  bool whole_good = false;
  bool bytes_good = false;
  const auto whole = read(in, size + 1, whole_good);
  const auto bytes = read(in, 1, bytes_good);
  if (whole_good != bytes_good || whole != bytes) std::abort();
  return 0;
}
