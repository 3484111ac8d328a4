#include "docker/line_streams.hpp"

#include <deque>

#include "docker/container_json.hpp"
#include "docker/engine_state.hpp"
#include "docker/frames.hpp"

namespace deployclaw::docker {

namespace {

// The engine splits lines at 16 KiB; time stamp and what we keep fit well below.
constexpr std::size_t kMostRawLine = 9000;
// An event carries all labels of its container.
constexpr std::size_t kMostEvent = 256 * 1024;

class EngineLogStream final : public LogStream {
 public:
  explicit EngineLogStream(std::unique_ptr<ByteStream> bytes) : bytes_(std::move(bytes)) {}

  Task<Result<std::optional<LogLine>>> next() override {
    while (ready_.empty()) {
      if (ended_) co_return std::optional<LogLine>();
      const auto bytes = co_await bytes_->read_some(std::chrono::milliseconds(0));
      // The engine went away in the middle: to a reader the same as an end.
      if (!bytes && bytes.error().code != Code::kUnavailable) co_return fail(bytes.error());
      ended_ = !bytes || bytes->empty();
      if (ended_) {
        finish();
        continue;
      }
      const auto fed = parser_.feed(*bytes, [this](Stream stream, std::string_view payload) {
        take(stream == Stream::kStderr, payload);
      });
      if (!fed) co_return fail(fed.error());
    }
    std::optional<LogLine> line = std::move(ready_.front());
    ready_.pop_front();
    co_return line;
  }

 private:
  void take(bool is_stderr, std::string_view payload) {
    auto& splitter = is_stderr ? err_ : out_;
    splitter.feed(payload, [this, is_stderr](std::string_view line) {
      ready_.push_back(to_log_line(line, is_stderr));
    });
  }
  void finish() {
    out_.finish([this](std::string_view line) { ready_.push_back(to_log_line(line, false)); });
    err_.finish([this](std::string_view line) { ready_.push_back(to_log_line(line, true)); });
  }

  std::unique_ptr<ByteStream> bytes_;
  FrameParser parser_;
  LineSplitter out_{kMostRawLine};
  LineSplitter err_{kMostRawLine};
  std::deque<LogLine> ready_;
  bool ended_ = false;
};

class EngineEventStream final : public EventStream {
 public:
  explicit EngineEventStream(std::unique_ptr<ByteStream> bytes) : bytes_(std::move(bytes)) {}

  Task<Result<std::optional<RuntimeEvent>>> next() override {
    while (ready_.empty()) {
      const auto bytes = co_await bytes_->read_some(std::chrono::milliseconds(0));
      if (!bytes && bytes.error().code != Code::kUnavailable) co_return fail(bytes.error());
      if (!bytes || bytes->empty()) co_return std::optional<RuntimeEvent>();
      lines_.feed(*bytes, [this](std::string_view line) {
        const auto parsed = parse_json(line);
        if (!parsed) return;
        if (auto event = to_event(*parsed)) ready_.push_back(std::move(*event));
      });
    }
    std::optional<RuntimeEvent> event = std::move(ready_.front());
    ready_.pop_front();
    co_return event;
  }

 private:
  std::unique_ptr<ByteStream> bytes_;
  LineSplitter lines_{kMostEvent};
  std::deque<RuntimeEvent> ready_;
};

}  // namespace

std::unique_ptr<LogStream> make_log_stream(std::unique_ptr<ByteStream> bytes) {
  return std::make_unique<EngineLogStream>(std::move(bytes));
}

std::unique_ptr<EventStream> make_event_stream(std::unique_ptr<ByteStream> bytes) {
  return std::make_unique<EngineEventStream>(std::move(bytes));
}

}  // namespace deployclaw::docker
