#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "http/wire.hpp"
#include "net/byte_stream.hpp"

namespace deployclaw::api::agent_page {

// Asked now and then while something goes on: may it still?
using StillAllowed = std::function<Task<bool>()>;

// Connects to an agent. kUnavailable or kTimeout when it does not take the connection.
Task<Result<std::shared_ptr<net::ByteStream>>> connect_agent(boost::asio::any_io_executor executor,
                                                             net::CoarseTimer& timer,
                                                             std::string address,
                                                             std::uint16_t port);

// One exchange whose head has been sent to `agent`: the rest of the request there, the answer back,
// or, when the agent agrees to a WebSocket, both ways until one side ends. `head` is the browser's.
// Ends early when `still_allowed` says no. False when no byte of an answer came.
Task<bool> carry_exchange(http::RequestHead head, std::shared_ptr<net::ByteStream> browser,
                          std::shared_ptr<net::ByteStream> agent, StillAllowed still_allowed);

}  // namespace deployclaw::api::agent_page
