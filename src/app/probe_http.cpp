#include "app/probe_http.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <chrono>
#include <exception>

#include "net/http_client.hpp"

namespace deployclaw::app {
namespace {

Task<void> get(net::Endpoint endpoint, std::string path, int& status) {
  net::ClientRequest request;
  request.target = std::move(path);
  auto answer =
      co_await net::fetch(std::move(endpoint), std::move(request), std::chrono::seconds(2));
  if (answer) status = answer->status;
}

}  // namespace

int http_status(const std::string& listen, std::string_view path) {
  const auto colon = listen.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string::npos) return 0;
  std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port);
  int status = 0;
  boost::asio::io_context io;
  boost::asio::co_spawn(
      io, get(net::Endpoint::tcp(listen.substr(0, colon), port), std::string(path), status),
      [](const std::exception_ptr&) {});
  io.run();
  return status;
}

}  // namespace deployclaw::app
