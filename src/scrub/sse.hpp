#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::scrub {

struct ServerSentEvent {
  std::string_view event;  // "message" when the stream names none
  std::string_view data;   // lines joined by LF
  std::string_view id;     // the last one seen in the stream
};

// Reads text/event-stream (WHATWG HTML §9.2.6) however it is split: LF, CR and CRLF end a line, a
// leading byte order mark is skipped, comments and unknown fields are ignored, an event without
// data is none, an event not ended by a blank line is dropped. Bytes are not checked to be UTF-8.
// Belongs to one thread.
class SseParser {
 public:
  // The views end with the call.
  using Sink = std::function<void(const ServerSentEvent&)>;

  // `most_bytes` bounds one line and one event's data (each), so memory is about twice that.
  explicit SseParser(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // Consumes all of `bytes`, calling `sink` for each event as its blank line arrives. kTooLarge
  // when a line or an event exceeds the bound: the parser is then dead and repeats the error.
  Status feed(std::string_view bytes, const Sink& sink);

  // The last valid retry field, in milliseconds.
  [[nodiscard]] std::optional<std::uint64_t> retry_ms() const { return retry_ms_; }

 private:
  Status take_line(std::string_view line, const Sink& sink);
  Status take_field(std::string_view name, std::string_view value);
  void dispatch(const Sink& sink);

  std::size_t most_bytes_;
  std::string line_;  // the unfinished line
  std::string data_;  // each line followed by LF
  std::string event_;
  std::string id_;
  std::optional<std::uint64_t> retry_ms_;
  bool first_line_ = true;
  bool after_cr_ = false;  // an LF now belongs to the line that a CR has ended
  bool dead_ = false;
};

}  // namespace deployclaw::scrub
