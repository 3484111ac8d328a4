// Hostile frames: never crashes; heads and payload read the same however the bytes are split; what
// is accepted writes back to the same bytes.
#include <cstdlib>
#include <vector>

#include "scrub/websocket_frames.hpp"

namespace {

namespace scrub = deployclaw::scrub;

struct Read {
  std::string written;  // heads written again, payload as it was
  std::vector<scrub::FrameHeader> frames;
  bool good = true;
  bool at_boundary = true;
};

Read read(scrub::FrameReader::Sender sender, std::string_view in, std::size_t step) {
  using Kind = scrub::FrameStep::Kind;
  scrub::FrameReader reader(sender);
  Read result;
  while (!in.empty()) {
    const auto piece = in.substr(0, step);
    const auto taken = reader.step(piece);
    if (!taken) {
      result.good = false;
      if (reader.step("x")) std::abort();
      return result;
    }
    if (taken->consumed == 0 || taken->consumed > piece.size()) std::abort();
    if (taken->kind == Kind::kFrameStart) {
      result.frames.push_back(reader.header());
      scrub::append_frame_header(result.written, reader.header());
    }
    if (taken->kind == Kind::kPayload) {
      if (taken->offset + taken->consumed > reader.header().length) std::abort();
      result.written += piece.substr(0, taken->consumed);
    }
    if (taken->frame_ends && !reader.at_boundary()) std::abort();
    in.remove_prefix(taken->consumed);
  }
  result.at_boundary = reader.at_boundary();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1) return 0;
  const auto sender = static_cast<scrub::FrameReader::Sender>(data[0] & 1);
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = read(sender, in, in.size() + 1);
  const Read bytes = read(sender, in, 1);
  if (whole.good != bytes.good || whole.frames != bytes.frames || whole.written != bytes.written ||
      whole.at_boundary != bytes.at_boundary) {
    std::abort();
  }
  if (!in.starts_with(whole.written)) std::abort();
  if (whole.good && whole.at_boundary && whole.written != in) std::abort();
  return 0;
}
