#include "net/watched_socket.hpp"

#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/version.hpp>

namespace deployclaw::net {

namespace asio = boost::asio;
using Reactor = asio::detail::epoll_reactor;

// No public part of Asio waits like this. What is used of its inner ones (an operation that a
// descriptor's event performs, and "exhausted", with which the event is used up) must be read anew
// in another version: epoll_reactor::start_op and descriptor_state::perform_io.
static_assert(BOOST_ASIO_VERSION == 102600, "see what has become of Asio's epoll_reactor");

// An operation that an event ends without doing anything. While it is queued it is kept by itself,
// so that the socket may go first.
struct WatchedSocket::Watch final : asio::detail::reactor_op {
  Watch() : reactor_op({}, &on_event, &on_end) {}

  // "Exhausted": the same event does not end the next watch too. But then it does not reach who
  // waits behind this one either.
  static status on_event(reactor_op* base) {
    return static_cast<Watch*>(base)->others > 0 ? done : done_and_exhausted;
  }

  // Without a loop it is only destroyed.
  static void on_end(void* loop, asio::detail::scheduler_operation* base,
                     const boost::system::error_code& /*error*/, std::size_t /*bytes*/) {
    auto* const self = static_cast<Watch*>(base);
    const auto kept = std::exchange(self->queued, nullptr);
    const auto error = self->ec_;
    auto ended = std::exchange(self->waiter, nullptr);
    self->news = !error && !ended;
    if (loop != nullptr && ended) ended(error);
  }

  std::shared_ptr<Watch> queued;  // this
  Waiter waiter;
  bool news = false;  // something came, and nobody waited
  int others = 0;     // who wait in async_wait()
};

WatchedSocket::WatchedSocket(Socket socket)
    : Socket(std::move(socket)), watch_(std::make_shared<Watch>()) {}

void WatchedSocket::watch() {
  if (watch_->queued || watch_->news) return;
  watch_->queued = watch_;
  watch_->ec_ = {};
  auto& context = asio::query(get_executor(), asio::execution::context);
  asio::use_service<Reactor>(context).start_op(Reactor::read_op, native_handle(),
                                               impl_.get_implementation().reactor_data_,
                                               watch_.get(), false, true);
}

bool WatchedSocket::is_quiet() const { return watch_->queued && !watch_->waiter; }

bool WatchedSocket::is_awaited() const { return static_cast<bool>(watch_->waiter); }

void WatchedSocket::await(Waiter waiter) {
  const bool came = std::exchange(watch_->news, false);
  watch_->waiter = std::move(waiter);
  came ? end_wait({}) : watch();
}

void WatchedSocket::end_wait(boost::system::error_code error) {
  if (!is_awaited()) return;
  asio::post(get_executor(),
             [error, ended = std::exchange(watch_->waiter, nullptr)]() mutable { ended(error); });
}

WatchedSocket::Sharing::Sharing(WatchedSocket& socket) : watch_(socket.watch_) { ++watch_->others; }

WatchedSocket::Sharing::~Sharing() { --watch_->others; }

}  // namespace deployclaw::net
