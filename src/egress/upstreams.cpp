#include "egress/upstreams.hpp"

#include <netinet/tcp.h>

#include <boost/asio/ip/tcp.hpp>

#include "base/await.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostAddresses = 4;
constexpr std::chrono::seconds kOneAddress{4};

Error unreachable(std::string detail) {
  return {.code = Code::kUnavailable,
          .message = detail,
          .reason = "upstream_unreachable",
          .public_detail = std::move(detail)};
}

// Words for the agent's developer; a resolver's own text stays inside.
Error resolving_failed(const UpstreamKey& key, Error error) {
  if (error.code == Code::kForbidden) {
    error.reason = "upstream_address";
    error.public_detail = key.host + " resolves to an address that is not of the public internet.";
    return error;
  }
  if (error.code == Code::kNotFound) return unreachable("There is no host named " + key.host + ".");
  return unreachable("The name " + key.host + " cannot be resolved now.");
}

}  // namespace

Upstream Upstreams::take_idle(const UpstreamKey& key) {
  const auto found = idle_.find(key);
  if (found == idle_.end()) return {};
  auto& list = found->second;
  while (!list.empty()) {
    Upstream upstream = std::move(list.back().upstream);
    list.pop_back();
    --count_;
    if (upstream.stream->alive_and_idle()) {
      upstream.reused = true;
      return upstream;
    }
  }
  idle_.erase(found);
  return {};
}

Task<Result<Upstream>> Upstreams::connect(dns::Address address, std::uint16_t port) {
  net::StreamSocket socket(executor_);
  const asio::ip::tcp::endpoint endpoint(address, port);
  asio::steady_timer deadline(executor_, kOneAddress);
  bool expired = false;
  deadline.async_wait([&](boost::system::error_code error) {
    if (error) return;
    expired = true;
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  const net::StreamSocket::endpoint_type generic(endpoint);
  const auto [error] = co_await socket.async_connect(generic, kAwait);
  deadline.cancel();
  if (expired) co_return fail(Code::kTimeout, "connecting took too long");
  if (error) co_return fail(Code::kUnavailable, error.message());
  const int on = 1;
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Upstream upstream;
  upstream.stream = std::make_unique<net::ByteStream>(std::move(socket), timer_);
  upstream.address = address.to_string();
  co_return upstream;
}

Task<Result<Upstream>> Upstreams::dial(UpstreamKey key) {
  auto host = key.host;
  auto addresses = co_await resolver_.resolve_checked(std::move(host));
  if (!addresses) co_return fail(resolving_failed(key, std::move(addresses.error())));
  if (addresses->size() > kMostAddresses) addresses->resize(kMostAddresses);
  Result<Upstream> upstream = fail(Code::kUnavailable, "no address");
  for (const auto& address : *addresses) {
    upstream = co_await connect(address, key.port);
    if (upstream || upstream.error().code == Code::kCancelled) break;
  }
  if (!upstream) {
    co_return fail(unreachable(key.host + " cannot be reached on port " + std::to_string(key.port) +
                               ": " + upstream.error().message + "."));
  }
  if (!key.tls) co_return upstream;
  upstream->stream->set_deadline(kConnectDeadline);
  auto name = key.host;
  auto shaken = co_await upstream->stream->handshake_client(tls_, std::move(name), key.port);
  upstream->stream->clear_deadline();
  if (!shaken) {
    if (shaken.error().reason.empty()) {
      co_return fail(unreachable("The TLS handshake with " + key.host + " failed."));
    }
    co_return fail(std::move(shaken.error()));
  }
  co_return upstream;
}

void Upstreams::give_back(const UpstreamKey& key, Upstream upstream) {
  // Whether it is still good is seen when it is taken.
  if (count_ >= kMostIdle || !upstream.stream->is_open()) return;
  upstream.stream->clear_deadline();
  upstream.stream->watch();
  idle_[key].push_back({std::move(upstream), Clock::now()});
  ++count_;
}

void Upstreams::sweep() {
  const auto now = Clock::now();
  for (auto& [key, list] : idle_) {
    while (!list.empty() && now - list.front().since > kIdleLife) {
      list.pop_front();
      --count_;
    }
  }
  std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace deployclaw::egress
