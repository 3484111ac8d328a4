#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <optional>
#include <utility>

#include "base/await.hpp"
#include "base/secret.hpp"
#include "net/frame_io.hpp"
#include "net/unix_frames.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;
using asio::local::stream_protocol;
using Clock = asio::steady_timer::clock_type;

namespace {

constexpr std::chrono::seconds kPatience{10};  // past a deadline, before the connection is given up
constexpr std::size_t kMaxInFlight = 1024;

// One call. It stays in line even when its caller has given up, because its answer will come and
// must not be taken for the next one's.
struct Pending {
  Pending(const asio::any_io_executor& executor, std::string f, Clock::time_point deadline)
      : frame(std::move(f)), done(executor, deadline) {}
  ~Pending() {
    wipe_string(frame);
    if (answer && *answer) wipe_string(**answer);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  void finish(Result<std::string> with) {
    answer = std::move(with);
    done.cancel();
  }

  std::string frame;
  std::optional<Result<std::string>> answer;
  asio::steady_timer done;  // runs out at the deadline, cancelled when `answer` is set
  bool abandoned = false;
};

}  // namespace

// One connection with its two halves: `writer` sends what is queued, `reader` gives answers to the
// calls in the order in which they were sent. Made when first needed, thrown away at any failure.
struct FrameConnection : std::enable_shared_from_this<FrameConnection> {
  FrameConnection(asio::any_io_executor e, std::string p, std::size_t max)
      : executor(e),
        path(std::move(p)),
        max_frame(max),
        socket(e),
        work(e, Clock::time_point::max()),
        tasks(e) {}

  static Task<void> write_loop(std::shared_ptr<FrameConnection> self);
  static Task<void> read_loop(std::shared_ptr<FrameConnection> self);
  static Task<std::optional<std::string>> read_frame(std::shared_ptr<FrameConnection> self);

  void submit(std::shared_ptr<Pending> call) {
    unsent.push_back(std::move(call));
    if (!started) {
      started = true;
      auto task = write_loop(shared_from_this());
      tasks.spawn("frame client writer", std::move(task));
    }
    work.cancel();
  }

  // True when the oldest answer is so late that later ones cannot be hoped for.
  [[nodiscard]] bool is_stuck() const {
    const auto& line = sent.empty() ? unsent : sent;
    return !line.empty() && (Clock::now() - line.front()->done.expiry() > kPatience ||
                             sent.size() + unsent.size() >= kMaxInFlight);
  }

  void break_off(const std::string& why) {
    if (broken) return;
    broken = true;
    boost::system::error_code ignored;
    socket.close(ignored);
    work.cancel();
    const Error error{.code = Code::kUnavailable, .message = path + ": " + why};
    auto waiting = std::exchange(unsent, {});
    for (auto& call : std::exchange(sent, {})) waiting.push_back(std::move(call));
    for (const auto& call : waiting) call->finish(std::unexpected(error));
  }

  asio::any_io_executor executor;
  std::string path;
  std::size_t max_frame;
  stream_protocol::socket socket;
  asio::steady_timer work;  // cancelled when `unsent` grows
  std::deque<std::shared_ptr<Pending>> unsent;
  std::deque<std::shared_ptr<Pending>> sent;
  TaskGroup tasks;
  bool started = false;
  bool broken = false;
};

Task<void> FrameConnection::write_loop(std::shared_ptr<FrameConnection> self) {
  const stream_protocol::endpoint endpoint(self->path);
  const auto [refused] = co_await self->socket.async_connect(endpoint, kAwait);
  if (refused || self->broken) {
    self->break_off("connect: " + refused.message());
    co_return;
  }
  auto reader = read_loop(self);
  self->tasks.spawn("frame client reader", std::move(reader));
  while (!self->broken) {
    if (self->unsent.empty()) {
      co_await self->work.async_wait(kAwait);
      continue;
    }
    auto call = std::move(self->unsent.front());
    self->unsent.pop_front();
    if (call->abandoned) continue;  // not a byte of it was sent
    const auto header = frame_header(call->frame.size());
    const std::array<asio::const_buffer, 2> parts{asio::buffer(header), asio::buffer(call->frame)};
    self->sent.push_back(call);
    const auto [error, count] = co_await asio::async_write(self->socket, parts, kAwait);
    wipe_string(call->frame);
    if (error) self->break_off("write: " + error.message());
  }
}

Task<std::optional<std::string>> FrameConnection::read_frame(
    std::shared_ptr<FrameConnection> self) {
  std::array<char, kFrameHeader> header{};
  const auto head_space = asio::buffer(header);
  const auto [error, count] = co_await asio::async_read(self->socket, head_space, kAwait);
  if (error) {
    self->break_off("read: " + error.message());
    co_return std::nullopt;
  }
  const std::size_t size = frame_size(header);
  if (size > self->max_frame) {
    self->break_off("answer over the limit");
    co_return std::nullopt;
  }
  std::string frame(size, '\0');
  const auto space = asio::buffer(frame);
  const auto [body_error, body_count] = co_await asio::async_read(self->socket, space, kAwait);
  if (body_error) {
    wipe_string(frame);
    self->break_off("read: " + body_error.message());
    co_return std::nullopt;
  }
  co_return frame;
}

Task<void> FrameConnection::read_loop(std::shared_ptr<FrameConnection> self) {
  while (!self->broken) {
    auto frame = co_await read_frame(self);
    if (!frame) co_return;
    if (self->sent.empty()) {
      self->break_off("answer without a question");
      wipe_string(*frame);
      co_return;
    }
    const auto call = std::move(self->sent.front());
    self->sent.pop_front();
    if (call->abandoned) {
      wipe_string(*frame);
      continue;
    }
    call->finish(std::move(*frame));
  }
}

struct FrameClient::State {
  asio::any_io_executor executor;
  std::string path;
  std::size_t max_frame;
  std::shared_ptr<FrameConnection> connection;

  // Tears the connection down; its tasks hold it until they have noticed.
  void drop(const std::string& why) {
    if (!connection) return;
    connection->break_off(why);
    connection = nullptr;
  }

  static Task<Result<std::string>> call(std::shared_ptr<State> self, std::string frame,
                                        std::chrono::milliseconds within);
};

Task<Result<std::string>> FrameClient::State::call(std::shared_ptr<State> self, std::string frame,
                                                   std::chrono::milliseconds within) {
  if (frame.size() > self->max_frame) {
    wipe_string(frame);
    co_return fail(Code::kTooLarge, self->path + ": frame over the limit");
  }
  if (self->path.empty() || self->path.size() > 107) {
    co_return fail(Code::kInvalid, self->path + ": bad socket path");
  }
  if (self->connection && self->connection->is_stuck()) self->drop("no answer for long");
  if (!self->connection || self->connection->broken) {
    self->connection =
        std::make_shared<FrameConnection>(self->executor, self->path, self->max_frame);
  }
  auto call = std::make_shared<Pending>(self->executor, std::move(frame), Clock::now() + within);
  self->connection->submit(call);
  const auto [error] = co_await call->done.async_wait(kAwait);
  if (call->answer) co_return std::move(*call->answer);
  call->abandoned = true;
  if (error) co_return fail(Code::kCancelled, self->path + ": call cancelled");
  co_return fail(Code::kTimeout, self->path + ": no answer in time");
}

FrameClient::FrameClient(asio::any_io_executor executor, std::string path, std::size_t max_frame)
    : state_(std::make_shared<State>(
          State{std::move(executor), std::move(path), max_frame, nullptr})) {}

FrameClient::~FrameClient() { close(); }

Task<Result<std::string>> FrameClient::call(std::string frame, std::chrono::milliseconds deadline) {
  return State::call(state_, std::move(frame), deadline);
}

void FrameClient::close() { state_->drop("closed"); }

}  // namespace deployclaw::net
