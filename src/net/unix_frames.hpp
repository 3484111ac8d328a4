#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/task.hpp"

// Request and answer over a unix socket: each frame is a u32 big-endian length and that many bytes.
// Buffers are wiped after use, because the vault's frames carry secrets.
namespace deployclaw::net {

// Who is at the other end, as the kernel says (SO_PEERCRED, unix(7)) at the time it connected.
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

inline constexpr std::size_t kMaxFrameBytes = 1024 * 1024;

// Answers frames, one at a time and in order on each connection. A frame over the limit, or a peer
// that stalls in the middle of a frame for 10 s, ends the connection.
class FrameServer {
 public:
  using Handler = std::function<Task<std::string>(PeerCredentials, std::string)>;

  FrameServer(boost::asio::any_io_executor executor, std::string path, unsigned mode,
              Handler handler, std::size_t max_frame = kMaxFrameBytes);
  // stop() must have returned, or the io_context must never run again.
  ~FrameServer();
  FrameServer(const FrameServer&) = delete;
  FrameServer& operator=(const FrameServer&) = delete;

  // Binds and starts accepting. A stale socket file is replaced; one that answers is kConflict.
  Status start();
  // Closes everything and waits.
  Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Sends frames to a FrameServer over one connection, made when first needed. Calls may overlap:
// they are sent and answered in order. After any failure the connection is dropped, every call in
// flight fails with kUnavailable, and the next call connects anew; no call is ever sent twice.
class FrameClient {
 public:
  FrameClient(boost::asio::any_io_executor executor, std::string path,
              std::size_t max_frame = kMaxFrameBytes);
  ~FrameClient();
  FrameClient(const FrameClient&) = delete;
  FrameClient& operator=(const FrameClient&) = delete;

  // kUnavailable: no server, or it went away; kTimeout: no answer within `deadline` (the server may
  // still have acted); kTooLarge; kCancelled.
  Task<Result<std::string>> call(std::string frame, std::chrono::milliseconds deadline);
  // Drops the connection; calls in flight fail.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::net
