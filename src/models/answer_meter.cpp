#include "models/answer_meter.hpp"

#include <algorithm>
#include <array>

#include "http/ascii.hpp"

namespace deployclaw::models {

namespace {

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view kType = "text/event-stream";
  return content_type.size() >= kType.size() &&
         http::equals_ignoring_case(content_type.substr(0, kType.size()), kType);
}

}  // namespace

bool costs_nothing(int status) {
  constexpr std::array kRefused{400, 401, 403, 404, 413, 422, 429};
  return status >= 500 || std::ranges::find(kRefused, status) != kRefused.end();
}

std::string spend_error(Dialect dialect) {
  constexpr std::string_view kText = "The agent's spend limit for today is reached.";
  std::string text(kText);
  switch (dialect) {
    case Dialect::kMessages:
      return R"(event: error)"
             "\n"
             R"(data: {"type":"error","error":{"type":"rate_limit_error","message":")" +
             text + "\"}}\n\n";
    case Dialect::kResponses:
      return R"(event: error)"
             "\n"
             R"(data: {"type":"error","code":"spend_cap_reached","message":")" +
             text + "\",\"param\":null}\n\n";
    case Dialect::kGemini:
    case Dialect::kGeminiEmbed:
      return R"(data: {"error":{"code":429,"message":")" + text +
             "\",\"status\":\"RESOURCE_EXHAUSTED\"}}\r\n\r\n";
    case Dialect::kChat:
    case Dialect::kCompletions:
    case Dialect::kEmbeddings:
      break;
  }
  return R"(data: {"error":{"message":")" + text +
         R"(","type":"insufficient_quota","param":null,"code":"spend_cap_reached"}})"
         "\n\ndata: [DONE]\n\n";
}

AnswerMeter::AnswerMeter(const ModelCall& call, MicroDollars grant, int status,
                         std::string_view content_type)
    : call_(call),
      grant_(grant),
      status_(status),
      is_stream_(is_event_stream(content_type)),
      parser_(kMostEvent) {
  if (!is_stream_) whole_ = std::make_unique<UsageReader>(usage_);
}

bool AnswerMeter::take(std::string_view bytes, bool last, std::string& out) {
  if (cut_) return false;
  if (is_stream_) return take_events(bytes, last, out);
  out += bytes;
  whole_->feed(bytes);
  if (last) {
    ended_ = true;
    unread_ = !whole_->finish();
  }
  return true;
}

// An event ends with an empty line (WHATWG HTML §9.2.6); lines end with LF, CR or both.
bool AnswerMeter::take_events(std::string_view bytes, bool last, std::string& out) {
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      // Of an event that has gone already, its last byte must not wait for the next one.
      (event_.empty() && !hidden_ ? out : event_) += '\n';
      if (std::exchange(hidden_, false)) event_.clear();
      bytes.remove_prefix(1);
      continue;
    }
    const auto end = bytes.find_first_of("\r\n");
    const auto line = bytes.substr(0, end);
    if (passing_) {
      out += line;
    } else {
      event_ += line;
    }
    line_empty_ = line_empty_ && line.empty();
    if (!line.empty()) hidden_ = false;
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    event_ += bytes[end];
    bytes.remove_prefix(end + 1);
    if (std::exchange(line_empty_, true) && !end_of_event(out)) return false;
    if (passing_) out += std::exchange(event_, {});
  }
  if (event_.size() > kMostEvent) {
    passing_ = unread_ = true;
    out += std::exchange(event_, {});
  }
  if (last) {
    // An event without its empty line is none, but passed on as it came.
    out += std::exchange(event_, {});
    ended_ = true;
  }
  return true;
}

bool AnswerMeter::end_of_event(std::string& out) {
  usage_alone_ = false;
  if (!std::exchange(passing_, false)) {
    const auto fed = parser_.feed(event_, [this](const auto& event) { read_event(event.data); });
    if (!fed) {
      unread_ = true;
      parser_ = scrub::SseParser(kMostEvent);
    }
  }
  if (is_over()) {
    cut_ = true;
    out += spend_error(call_.dialect());
    return false;
  }
  hidden_ = usage_alone_ && call_.hides_usage();
  if (!hidden_) out += event_;
  event_.clear();
  return true;
}

void AnswerMeter::read_event(std::string_view data) {
  if (data == "[DONE]") {
    usage_.ended = true;
    return;
  }
  UsageReader reader(usage_);
  reader.feed(data);
  if (!reader.finish()) unread_ = true;
  usage_alone_ = reader.is_usage_alone();
}

bool AnswerMeter::is_over() const { return usage_.any() && call_.price(tokens()) > grant_; }

std::optional<MicroDollars> AnswerMeter::spent() const {
  if (costs_nothing(status_) && !usage_.any()) return 0;
  if (cut_) return std::max(grant_, call_.price(tokens()));
  if (!ended_ || unread_) return std::nullopt;
  if (!is_complete(call_.dialect(), usage_, is_stream_ || call_.request().streams)) {
    return std::nullopt;
  }
  return call_.price(tokens());
}

MicroDollars AnswerMeter::at_most() const {
  const bool counted =
      usage_.input.has_value() && call_.dialect() == Dialect::kMessages && !usage_.other_tier;
  auto input = tokens();
  if (!counted || input.all_input() == 0) return grant_;
  input.output = 0;
  return call_.at_most(input, grant_);
}

}  // namespace deployclaw::models
