#include "net/deadline.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <string>

namespace deployclaw::net {

Deadline::Deadline(const boost::asio::any_io_executor& executor, std::chrono::milliseconds from_now,
                   std::function<void()> expire)
    : state_(std::make_shared<State>()), timer_(executor, from_now) {
  state_->expire = std::move(expire);
  timer_.async_wait([state = state_](const boost::system::error_code& error) {
    if (error || !state->expire) return;
    state->expired = true;
    const auto run = std::move(state->expire);
    run();
  });
}

Deadline::~Deadline() {
  // The wait may have ended already with its handler still queued.
  state_->expire = nullptr;
}

std::chrono::milliseconds Deadline::remaining() const {
  const auto left = timer_.expiry() - boost::asio::steady_timer::clock_type::now();
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::duration_cast<std::chrono::milliseconds>(left));
}

Error Deadline::error(std::string_view what, const boost::system::error_code& error) const {
  Error out;
  out.message = std::string(what) + ": ";
  if (expired()) {
    out.code = Code::kTimeout;
    out.message += "no answer in time";
  } else if (error == boost::asio::error::operation_aborted) {
    out.code = Code::kCancelled;
    out.message += "cancelled";
  } else {
    out.code = Code::kUnavailable;
    out.message += error.message();
  }
  return out;
}

}  // namespace deployclaw::net
