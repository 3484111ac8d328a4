#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

namespace deployclaw {

// How a coroutine waits for one of Asio's operations:
//   const auto [error, count] = co_await socket.async_read_some(room, kAwait);
// No error throws, and the wait is in the coroutine's own frame (use_awaitable makes one for each).
inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::deferred);

}  // namespace deployclaw
