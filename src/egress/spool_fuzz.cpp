// A spool's bytes after any damage: what is taken is what was written, and nothing is read beyond.
// Fuzzing will not guess a CRC, so each input is also written as a record and then damaged.
#include <cstdlib>

#include "egress/spool.hpp"

namespace {

namespace egress = deployclaw::egress;

void take_all(std::string_view bytes) {
  egress::SpoolRecord record;
  while (true) {
    const auto before = bytes;
    if (!egress::take_record(bytes, record)) {
      if (bytes != before) std::abort();
      return;
    }
    std::string again;
    egress::append_record(again, record);
    if (before.substr(0, before.size() - bytes.size()) != again) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  take_all(text);
  std::string bytes;
  egress::append_record(bytes, {.client = {}, .agent = {}, .json = std::string(text)});
  bytes += text;
  take_all(bytes);
  if (size < 2) return 0;
  const std::size_t at = (data[0] + 256U * data[1]) % bytes.size();
  take_all(std::string_view(bytes).substr(0, at));
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  take_all(bytes);
  return 0;
}
