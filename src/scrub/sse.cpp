#include "scrub/sse.hpp"

#include <algorithm>
#include <charconv>

namespace deployclaw::scrub {
namespace {

std::unexpected<Error> too_large() {
  return fail(Code::kTooLarge, "event stream: a line or an event is too long");
}

}  // namespace

Status SseParser::feed(std::string_view bytes, const Sink& sink) {
  if (dead_) return too_large();
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const auto end = bytes.find_first_of("\r\n");
    const auto piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > most_bytes_) {
      dead_ = true;
      return too_large();
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return {};
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    auto status = [&] {
      if (line_.empty()) return take_line(piece, sink);
      line_ += piece;
      auto taken = take_line(line_, sink);
      line_.clear();
      return taken;
    }();
    if (!status) {
      dead_ = true;
      return status;
    }
  }
  return {};
}

Status SseParser::take_line(std::string_view line, const Sink& sink) {
  if (first_line_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  first_line_ = false;
  if (line.empty()) {
    dispatch(sink);
    return {};
  }
  const auto colon = line.find(':');
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  return take_field(line.substr(0, colon), value);
}

Status SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (data_.size() + value.size() + 1 > most_bytes_) return too_large();
    data_ += value;
    data_ += '\n';
  } else if (name == "event") {
    event_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    const bool digits =
        !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    std::uint64_t milliseconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (digits && read.ec == std::errc()) retry_ms_ = milliseconds;
  }
  return {};
}

void SseParser::dispatch(const Sink& sink) {
  if (!data_.empty()) {
    const std::string_view data = std::string_view(data_).substr(0, data_.size() - 1);
    sink({.event = event_.empty() ? std::string_view("message") : event_, .data = data, .id = id_});
  }
  data_.clear();
  event_.clear();
}

}  // namespace deployclaw::scrub
