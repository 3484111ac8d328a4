// A spool's bytes after any damage: what is taken is what was written, and nothing is read beyond;
// whatever lacks sectors is never taken for more than there is. Fuzzing will not guess a CRC, so
// each input is also written as a record and then damaged.
#include <algorithm>
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

// Records with room behind them, of which a power cut left some sectors. A whole one that stands
// behind no tear is found.
void tear(std::string_view text, std::size_t in_sector, unsigned there) {
  std::string bytes;
  egress::append_record(bytes, {.client = {}, .agent = {}, .json = std::string(text)});
  const std::size_t size = bytes.size();
  bytes.resize(size + 2 * egress::kSector);
  std::size_t at = 0;
  for (std::size_t sector = 0; at < bytes.size(); ++sector) {
    const auto end = std::min(bytes.size(), (sector + 1) * egress::kSector - in_sector);
    if ((there >> sector % 16 & 1U) == 0) bytes.replace(at, end - at, end - at, '\0');
    at = end;
  }
  take_all(bytes);
  const auto found = egress::find_record(bytes);
  if (found && *found + egress::size_of({.client = {}, .agent = {}, .json = {}}) > size)
    std::abort();
  if (!found) (void)egress::looks_torn(bytes, in_sector);
  if (!egress::looks_torn(std::string(size, '\0'), in_sector)) std::abort();
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
  (void)egress::looks_torn(bytes, at % egress::kSector);
  if (size < 5) return 0;
  tear(text.substr(4), (data[0] + 256U * data[1]) % egress::kSector, data[2] + 256U * data[3]);
  return 0;
}
