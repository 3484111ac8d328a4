#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace deployclaw::http {

struct SseEvent {
  std::string id = {};     // omitted when empty; must not hold NUL, CR or LF (dropped if it does)
  std::string event = {};  // omitted when empty; CR and LF end it
  std::string data = {};   // may have many lines; CR, LF and CRLF each split it
};

// One event in text/event-stream form (WHATWG HTML §9.2.6), blank line included.
std::string format_sse(const SseEvent& event);
// A comment line, used as a heartbeat. Line breaks in `text` become further comment lines.
std::string sse_comment(std::string_view text);
// Tells the client how long to wait before reconnecting.
std::string sse_retry(std::chrono::milliseconds wait);

}  // namespace deployclaw::http
