#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/encoding.hpp"
#include "docker/frames.hpp"

// The payload must be the same whether the bytes come at once or one by one, and every line that
// comes out must be fit to store: an escape sequence in it is a look, and words alone have none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using deployclaw::docker::FrameParser;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string whole;
  std::string pieces;
  FrameParser at_once;
  const bool whole_ok =
      at_once.feed(bytes, [&](auto, std::string_view part) { whole += part; }).has_value();
  FrameParser one_by_one;
  bool pieces_ok = true;
  for (std::size_t i = 0; i < size; ++i) {
    const auto fed =
        one_by_one.feed(bytes.substr(i, 1), [&](auto, std::string_view part) { pieces += part; });
    pieces_ok = pieces_ok && fed.has_value();
  }
  if (whole != pieces || whole_ok != pieces_ok) std::abort();
  if (at_once.at_boundary() != one_by_one.at_boundary()) std::abort();
  const auto line = deployclaw::docker::sanitize_line(bytes, 64);
  if (line.size() > 64 || !deployclaw::is_utf8(line)) std::abort();
  for (auto at = line.find('\x1B'); at != std::string::npos; at = line.find('\x1B', at + 1)) {
    const auto end = line.find_first_not_of("0123456789;", at + 2);
    if (line[at + 1] != '[' || end == std::string::npos || line[end] != 'm') std::abort();
  }
  const auto plain = deployclaw::docker::plain_text(bytes);
  if (plain.contains('\x1B') || !deployclaw::is_utf8(plain)) std::abort();
  return 0;
}
