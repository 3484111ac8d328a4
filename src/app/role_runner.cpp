#include "app/role_runner.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <exception>

#include "base/await.hpp"
#include "base/log.hpp"

namespace deployclaw::app {
namespace {

namespace asio = boost::asio;

Task<void> wait_and_stop(asio::io_context& io, std::function<Task<void>()> stop) {
  asio::signal_set signals(io, SIGTERM, SIGINT);
  co_await signals.async_wait(kAwait);
  log::info("stopping");
  asio::steady_timer limit(io, std::chrono::seconds(30));
  limit.async_wait([&io](boost::system::error_code error) {
    if (error) return;
    log::error("did not stop within 30 s, giving up");
    io.stop();
  });
  co_await stop();
  limit.cancel();
  io.stop();
}

}  // namespace

void run_until_signal(asio::io_context& io, std::function<Task<void>()> stop) {
  asio::co_spawn(io, wait_and_stop(io, std::move(stop)), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
  log::info("stopped");
}

}  // namespace deployclaw::app
