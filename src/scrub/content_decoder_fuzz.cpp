// Hostile compressed bodies: never crashes, never gives more than it was asked for, and reads the
// same however the bytes are split and however little room there is.
#include <cstdlib>

#include "scrub/content_decoder.hpp"

namespace {

namespace scrub = deployclaw::scrub;

constexpr std::size_t kMostPlain = 1 << 18;

struct Decoded {
  bool good = true;
  std::string plain;
};

Decoded decode(scrub::ContentCoding coding, std::string_view in, std::size_t step,
               std::size_t room) {
  scrub::ContentDecoder decoder(coding);
  Decoded result;
  while (result.plain.size() < kMostPlain) {
    const std::string_view piece = in.substr(0, step);
    std::string out;
    const auto used = decoder.feed(piece, out, room);
    if (out.size() > room) std::abort();
    result.plain += out;
    if (!used) {
      result.good = false;
      return result;
    }
    if (*used < piece.size() && out.size() < room) std::abort();
    in.remove_prefix(*used);
    if (in.empty() && out.size() < room) break;
  }
  if (result.plain.size() < kMostPlain) result.good = decoder.finish().has_value();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1) return 0;
  const auto coding = static_cast<scrub::ContentCoding>(data[0] % 5);
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Decoded whole = decode(coding, in, in.size() + 1, 1 << 16);
  const Decoded bytes = decode(coding, in, 1, 1 << 16);
  const Decoded tight = decode(coding, in, 7, 100);
  if (whole.plain.size() >= kMostPlain || bytes.plain.size() >= kMostPlain ||
      tight.plain.size() >= kMostPlain) {
    return 0;  // cut off by this program, at different places
  }
  if (whole.good != bytes.good || whole.good != tight.good) std::abort();
  if (whole.good && (whole.plain != bytes.plain || whole.plain != tight.plain)) std::abort();
  (void)scrub::parse_content_encoding(in);
  return 0;
}
