#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <list>
#include <optional>
#include <utility>

#include "base/await.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "net/frame_io.hpp"
#include "net/listen.hpp"
#include "net/timed_socket.hpp"
#include "net/unix_frames.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;
using asio::local::stream_protocol;

namespace {

constexpr std::chrono::seconds kStall{10};
constexpr std::size_t kMaxConnections = 256;

std::optional<PeerCredentials> credentials_of(stream_protocol::socket& socket) {
  ucred raw{};
  socklen_t size = sizeof raw;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &raw, &size) != 0 ||
      size != sizeof raw) {
    return std::nullopt;
  }
  return PeerCredentials{.uid = raw.uid, .gid = raw.gid, .pid = raw.pid};
}

// Fills `data`; false when the peer ended, stalled or the socket was closed.
Task<bool> read_exactly(TimedSocket& socket, char* data, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const std::size_t count = co_await socket.read_some(data + done, size - done);
    if (count == 0) co_return false;
    done += count;
  }
  co_return true;
}

// The next frame; nullopt ends the connection.
Task<std::optional<std::string>> read_frame(TimedSocket& socket, std::size_t max_frame) {
  std::array<char, kFrameHeader> header{};
  // Between frames a peer may be silent for ever; once it has begun, it must go on.
  socket.clear_deadline();
  const std::size_t first = co_await socket.read_some(header.data(), header.size());
  if (first == 0) co_return std::nullopt;
  socket.set_deadline(kStall);
  const bool has_header =
      co_await read_exactly(socket, header.data() + first, header.size() - first);
  if (!has_header) co_return std::nullopt;
  const std::size_t size = frame_size(header);
  if (size > max_frame) {
    log::warn("frame over the limit", {{"bytes", size}, {"limit", max_frame}});
    co_return std::nullopt;
  }
  std::string frame(size, '\0');
  const bool whole = co_await read_exactly(socket, frame.data(), size);
  if (!whole) {
    wipe_string(frame);
    co_return std::nullopt;
  }
  socket.clear_deadline();
  co_return frame;
}

}  // namespace

struct FrameServer::State {
  State(asio::any_io_executor e, std::string p, unsigned m, Handler h, std::size_t max)
      : executor(e),
        path(std::move(p)),
        mode(m),
        handler(std::move(h)),
        max_frame(max),
        timer(e),
        tasks(e) {}

  static Task<void> accept_loop(std::shared_ptr<State> self);
  static Task<void> serve(std::shared_ptr<State> self, StreamSocket raw, PeerCredentials peer);
  static Task<bool> serve_one(std::shared_ptr<State> self, TimedSocket& socket,
                              PeerCredentials peer);

  asio::any_io_executor executor;
  std::string path;
  unsigned mode;
  Handler handler;
  std::size_t max_frame;
  CoarseTimer timer;
  TaskGroup tasks;
  std::shared_ptr<stream_protocol::acceptor> acceptor;
  bool stopping = false;
};

Task<void> FrameServer::State::accept_loop(std::shared_ptr<State> self) {
  const auto acceptor = self->acceptor;
  while (!self->stopping) {
    auto [error, socket] = co_await acceptor->async_accept(kAwait);
    if (self->stopping || error == asio::error::operation_aborted) break;
    if (error) {
      log::warn("accept failed", {{"error", error.message()}});
      const bool slept = co_await sleep_for(std::chrono::milliseconds(100));
      if (!slept) break;
      continue;
    }
    // The acceptor is one of the group's tasks.
    if (self->tasks.size() > kMaxConnections) {
      log::warn("too many connections, one refused", {{"path", self->path}});
      continue;
    }
    const auto peer = credentials_of(socket);
    if (!peer) {
      log::warn("peer credentials unknown, connection refused");
      continue;
    }
    auto task = serve(self, StreamSocket(std::move(socket)), *peer);
    self->tasks.spawn("frame connection", std::move(task));
  }
}

Task<void> FrameServer::State::serve(std::shared_ptr<State> self, StreamSocket raw,
                                     PeerCredentials peer) {
  TimedSocket socket(std::move(raw), self->timer);
  while (!self->stopping) {
    const bool again = co_await serve_one(self, socket, peer);
    if (!again) break;
  }
}

Task<bool> FrameServer::State::serve_one(std::shared_ptr<State> self, TimedSocket& socket,
                                         PeerCredentials peer) {
  auto frame = co_await read_frame(socket, self->max_frame);
  if (!frame) co_return false;
  auto handled = self->handler(peer, std::move(*frame));
  std::string answer = co_await std::move(handled);
  if (answer.size() > self->max_frame) {
    log::error("frame answer over the limit", {{"bytes", answer.size()}});
    wipe_string(answer);
    co_return false;
  }
  const auto header = frame_header(answer.size());
  const std::string_view head(header.data(), header.size());
  socket.set_deadline(kStall);
  const bool sent = co_await socket.send(head, answer);
  socket.clear_deadline();
  wipe_string(answer);
  co_return sent;
}

FrameServer::FrameServer(asio::any_io_executor executor, std::string path, unsigned mode,
                         Handler handler, std::size_t max_frame)
    : state_(std::make_shared<State>(std::move(executor), std::move(path), mode, std::move(handler),
                                     max_frame)) {}

FrameServer::~FrameServer() = default;

Status FrameServer::start() {
  auto bound = bind_unix(state_->executor, state_->path, state_->mode);
  if (!bound) return fail(std::move(bound.error()));
  state_->acceptor = std::make_shared<stream_protocol::acceptor>(std::move(*bound));
  auto task = State::accept_loop(state_);
  state_->tasks.spawn("frame accept", std::move(task));
  return {};
}

Task<void> FrameServer::stop() {
  const auto state = state_;
  if (!state->stopping && state->acceptor) {
    boost::system::error_code ignored;
    state->acceptor->close(ignored);
    ::unlink(state->path.c_str());
  }
  state->stopping = true;
  state->tasks.cancel();
  co_await state->tasks.join();
}

}  // namespace deployclaw::net
