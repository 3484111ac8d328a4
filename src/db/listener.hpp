#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/task.hpp"

namespace deployclaw::db {

// What a LISTEN callback is told. `gap` is true when notifications may have been missed: at the
// first successful LISTEN and after each reconnect. The caller then reads the state afresh; channel
// is set, payload empty. The views end with the call.
struct Notification {
  std::string_view channel;
  std::string_view payload;
  bool gap = false;
};

// LISTEN on a connection of its own, which comes back with backoff after a loss. Use it only from
// its executor's thread.
class Listener {
 public:
  using Callback = std::function<void(const Notification&)>;

  // Connects in the background.
  Listener(boost::asio::any_io_executor executor, std::string conninfo);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // close() must have returned, or the io_context must never run again.
  ~Listener();

  // Calls `callback` for every notification on `channel`, from the executor, until close(). One
  // callback per channel: a second replaces the first. The callback must not block or throw.
  void listen(std::string channel, Callback callback);

  [[nodiscard]] bool connected() const;

  // Ends the connection and waits for that; no callback runs afterwards.
  Task<void> close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::db
