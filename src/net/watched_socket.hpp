#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <functional>
#include <memory>
#include <utility>

namespace deployclaw::net {

// A socket that can be waited for without a system call.
//
// Asio's own wait asks the kernel anew each time (epoll_ctl), since it cannot know whether what was
// told before has been read. Whoever has read all there was does know: what comes after that is
// told by itself (edge-triggered, epoll(7)). It takes exact knowledge: a read that got less than it
// had room for may have left the peer's end (FIN) behind, of which nothing is told a second time.
//
// One thread: that of the socket's io_context, whose handlers alone may call this.
class WatchedSocket final : public boost::asio::generic::stream_protocol::socket {
  struct Watch;  // Asio's operation

 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  explicit WatchedSocket(Socket socket);

  // From now on it is noticed when something comes. All there was must have been read.
  void watch();
  // Is watched, and nothing has come, neither bytes nor an end, as far as the loop has seen.
  [[nodiscard]] bool is_quiet() const;
  // Somebody waits for more; a second one can only async_wait().
  [[nodiscard]] bool is_awaited() const;

  // Completes with an error_code when more comes than was there, or has come since watch(); all
  // that was must have been read. There may be nothing to read all the same. Ends with
  // operation_aborted when the socket is cancelled or closed, or by the handler's cancellation
  // slot, which the handler must clear before it goes on (coroutines do).
  template <class Token>
  auto async_wait_for_more(Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [](auto handler, WatchedSocket* self) {
          auto slot = boost::asio::get_associated_cancellation_slot(handler);
          if (slot.is_connected()) {
            slot.assign([self](boost::asio::cancellation_type /*any*/) {
              self->end_wait(boost::asio::error::operation_aborted);
            });
          }
          self->await(std::move(handler));
        },
        token, this);
  }

  // For as long as somebody is in async_wait() for reading: an event that ends a watch is told to
  // both.
  class Sharing {
   public:
    explicit Sharing(WatchedSocket& socket);
    ~Sharing();
    Sharing(const Sharing&) = delete;
    Sharing& operator=(const Sharing&) = delete;

   private:
    const std::shared_ptr<Watch> watch_;
  };

 private:
  using Waiter = std::move_only_function<void(boost::system::error_code)>;
  void await(Waiter waiter);
  void end_wait(boost::system::error_code error);

  const std::shared_ptr<Watch> watch_;
};

}  // namespace deployclaw::net
