#include "http/sse.hpp"

namespace deployclaw::http {
namespace {

// Calls `each` for every line of `text`, split at CR, LF or CRLF as the parser in the browser does.
template <class Each>
void for_each_line(std::string_view text, Each each) {
  while (true) {
    const auto end = text.find_first_of("\r\n");
    each(text.substr(0, end));
    if (end == std::string_view::npos) return;
    const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (pair ? 2 : 1));
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\n");
}

}  // namespace

std::string format_sse(const SseEvent& event) {
  std::string out;
  out.reserve(event.data.size() + event.id.size() + event.event.size() + 32);
  if (!event.id.empty() &&
      event.id.find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos) {
    append_field(out, "id", event.id);
  }
  if (!event.event.empty()) {
    const std::string_view name(event.event);
    append_field(out, "event", name.substr(0, name.find_first_of("\r\n")));
  }
  for_each_line(event.data, [&out](std::string_view line) { append_field(out, "data", line); });
  out += '\n';
  return out;
}

std::string sse_comment(std::string_view text) {
  std::string out;
  for_each_line(text, [&out](std::string_view line) { append_field(out, "", line); });
  out += '\n';
  return out;
}

std::string sse_retry(std::chrono::milliseconds wait) {
  return "retry: " + std::to_string(wait.count()) + "\n\n";
}

}  // namespace deployclaw::http
