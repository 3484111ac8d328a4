#include "net/http_server.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <ctime>
#include <list>
#include <utility>
#include <vector>

#include "base/await.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "net/http_connection.hpp"
#include "net/listen.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;

namespace {

std::string text_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

std::string text_of(const stream_protocol::endpoint&) { return {}; }

void tune(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
}

void tune(stream_protocol::socket&) {}

}  // namespace

ServerShared::ServerShared(asio::any_io_executor executor, HttpHandler h, ServerOptions o)
    : handler(std::move(h)), options(o), timer(std::move(executor)) {
  std::array<unsigned char, 8> key{};
  random_bytes(key);
  std::memcpy(&id_key_, key.data(), key.size());
}

std::string ServerShared::next_request_id() {
  // splitmix64: a bijection, so that ids never repeat in 2^64 requests.
  std::uint64_t z = id_key_ + 0x9e3779b97f4a7c15U * ++id_count_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  z ^= z >> 31;
  std::string id(16, '0');
  for (std::size_t i = 0; i < id.size(); ++i) {
    id[i] = "0123456789abcdef"[z & 15U];
    z >>= 4;
  }
  return id;
}

const std::string& ServerShared::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 40> text{};
    const std::size_t size =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date_.assign(text.data(), size);
  }
  return date_;
}

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(asio::any_io_executor e, HttpHandler handler, ServerOptions options)
      : executor(e),
        shared(std::make_shared<ServerShared>(e, std::move(handler), options)),
        tasks(e),
        all_gone(e, asio::steady_timer::time_point::max()) {}

  template <class Acceptor>
  static Task<void> accept_loop(std::shared_ptr<State> self, std::shared_ptr<Acceptor> acceptor);
  static Task<void> serve(std::shared_ptr<State> self, std::shared_ptr<HttpConnection> connection);

  // A copy, because ending one connection may take it off the list at once.
  [[nodiscard]] std::vector<std::shared_ptr<HttpConnection>> alive() const {
    std::vector<std::shared_ptr<HttpConnection>> out;
    for (HttpConnection* connection : connections) out.push_back(connection->shared_from_this());
    return out;
  }

  asio::any_io_executor executor;
  std::shared_ptr<ServerShared> shared;
  std::list<std::shared_ptr<tcp::acceptor>> tcp_acceptors;
  std::list<std::shared_ptr<stream_protocol::acceptor>> unix_acceptors;
  std::list<std::string> unix_paths;
  std::list<HttpConnection*> connections;
  TaskGroup tasks;
  asio::steady_timer all_gone;  // cancelled when the last connection ends
};

template <class Acceptor>
Task<void> HttpServer::State::accept_loop(std::shared_ptr<State> self,
                                          std::shared_ptr<Acceptor> acceptor) {
  while (!self->shared->stopping) {
    typename Acceptor::protocol_type::endpoint peer;
    auto [error, socket] = co_await acceptor->async_accept(peer, kAwait);
    if (self->shared->stopping) break;
    if (error) {
      if (error == asio::error::operation_aborted) break;
      // Out of descriptors, most likely: wait for some to come back instead of spinning.
      log::warn("accept failed", {{"error", error.message()}});
      const bool slept = co_await sleep_for(std::chrono::milliseconds(100));
      if (!slept) break;
      continue;
    }
    if (self->connections.size() >= self->shared->options.max_connections) continue;
    tune(socket);
    auto connection = std::make_shared<HttpConnection>(
        self->shared, StreamSocket(std::move(socket)), text_of(peer));
    auto task = serve(self, std::move(connection));
    self->tasks.spawn("http connection", std::move(task));
  }
}

Task<void> HttpServer::State::serve(std::shared_ptr<State> self,
                                    std::shared_ptr<HttpConnection> connection) {
  // Leaves the list however the task ends.
  struct Listed {
    State& state;
    std::list<HttpConnection*>::iterator at;
    ~Listed() {
      state.connections.erase(at);
      if (state.connections.empty()) state.all_gone.cancel();
    }
  };
  const Listed listed{*self, self->connections.insert(self->connections.end(), connection.get())};
  co_await connection->run();
}

HttpServer::HttpServer(asio::any_io_executor executor, HttpHandler handler, ServerOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(handler), options)) {}

HttpServer::~HttpServer() = default;

void HttpServer::divert(Diversion diversion) { state_->shared->diversion = std::move(diversion); }

Result<std::uint16_t> HttpServer::listen_tcp(const std::string& address, std::uint16_t port) {
  auto bound = bind_tcp(state_->executor, address, port);
  if (!bound) return fail(std::move(bound.error()));
  auto acceptor = std::make_shared<tcp::acceptor>(std::move(*bound));
  state_->tcp_acceptors.push_back(acceptor);
  boost::system::error_code ignored;
  const std::uint16_t actual = acceptor->local_endpoint(ignored).port();
  auto task = State::accept_loop(state_, std::move(acceptor));
  state_->tasks.spawn("http accept", std::move(task));
  return actual;
}

Status HttpServer::listen_unix(const std::string& path, unsigned mode) {
  auto bound = bind_unix(state_->executor, path, mode);
  if (!bound) return fail(std::move(bound.error()));
  auto acceptor = std::make_shared<stream_protocol::acceptor>(std::move(*bound));
  state_->unix_acceptors.push_back(acceptor);
  state_->unix_paths.push_back(path);
  auto task = State::accept_loop(state_, std::move(acceptor));
  state_->tasks.spawn("http accept", std::move(task));
  return {};
}

Task<void> HttpServer::stop(std::chrono::milliseconds grace) {
  const auto state = state_;
  state->shared->stopping = true;
  boost::system::error_code ignored;
  for (const auto& acceptor : state->tcp_acceptors) acceptor->close(ignored);
  for (const auto& acceptor : state->unix_acceptors) acceptor->close(ignored);
  for (const auto& path : state->unix_paths) ::unlink(path.c_str());
  state->unix_paths.clear();
  for (const auto& connection : state->alive()) connection->drain();

  const auto deadline = asio::steady_timer::clock_type::now() + grace;
  while (!state->connections.empty() && asio::steady_timer::clock_type::now() < deadline) {
    state->all_gone.expires_at(deadline);
    co_await state->all_gone.async_wait(kAwait);
  }
  for (const auto& connection : state->alive()) connection->abort();
  state->tasks.cancel();
  co_await state->tasks.join();
}

std::size_t HttpServer::connections() const { return state_->connections.size(); }

}  // namespace deployclaw::net
