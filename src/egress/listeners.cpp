#include "egress/listeners.hpp"

#include <fcntl.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "base/await.hpp"
#include "base/log.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

namespace {

constexpr int kBacklog = 1024;
constexpr std::size_t kMostDatagram = 1232;  // RFC 9715: what no path fragments

// Sockets may be bound before the orchestrator has made the gateway's interface.
using FreeBind = asio::detail::socket_option::boolean<IPPROTO_IP, IP_FREEBIND>;

template <class Socket, class Endpoint>
Status bind_to(Socket& socket, const Endpoint& endpoint, std::string_view what) {
  boost::system::error_code error;
  socket.open(endpoint.protocol(), error);
  if (!error) socket.set_option(FreeBind(true), error);
  if (!error) socket.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) return {};
  return fail(Code::kUnavailable, std::string(what) + " cannot listen on port " +
                                      std::to_string(endpoint.port()) + ": " + error.message());
}

// Where the firewall took the connection from (dnat); its own address when it was not led here.
void find_destination(Arrival& arrival) {
  sockaddr_in original{};
  socklen_t length = sizeof original;
  const int fd = arrival.socket.get();
  if (getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &original, &length) != 0) {
    length = sizeof original;
    getsockname(fd, reinterpret_cast<sockaddr*>(&original), &length);
  }
  arrival.destination = Ipv4(ntohl(original.sin_addr.s_addr));
  arrival.port = ntohs(original.sin_port);
}

}  // namespace

struct Listeners::State {
  State(asio::any_io_executor executor, OnArrival arrival, OnDatagram datagram)
      : proxy(executor),
        transparent(executor),
        dns(executor),
        datagrams(executor),
        tasks(executor),
        on_arrival(std::move(arrival)),
        on_datagram(std::move(datagram)) {}

  Status listen(tcp::acceptor& acceptor, Ipv4 address, std::uint16_t port, std::string_view what) {
    if (auto bound = bind_to(acceptor, tcp::endpoint(address, port), what); !bound) return bound;
    boost::system::error_code error;
    acceptor.listen(kBacklog, error);
    if (!error) acceptor.non_blocking(true, error);
    if (error) return fail(Code::kUnavailable, std::string(what) + ": " + error.message());
    return {};
  }

  // Takes every connection that waits. False when there are no descriptors left.
  bool accept_ready(tcp::acceptor& acceptor, Entrance entrance) {
    while (true) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      linux::UniqueFd socket(accept4(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&from),
                                     &length, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!socket.valid()) {
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
      }
      Arrival arrival{.socket = std::move(socket),
                      .entrance = entrance,
                      .source = Ipv4(ntohl(from.sin_addr.s_addr)),
                      .destination = {},
                      .port = 0};
      find_destination(arrival);
      on_arrival(std::move(arrival));
    }
  }

  static Task<void> accept_loop(State* state, tcp::acceptor* acceptor, Entrance entrance) {
    while (acceptor->is_open()) {
      const auto [error] = co_await acceptor->async_wait(tcp::acceptor::wait_read, kAwait);
      if (error) co_return;
      if (!state->accept_ready(*acceptor, entrance)) {
        log::warn("cannot accept a connection", {{"cause", std::strerror(errno)}});
        const bool slept = co_await sleep_for(std::chrono::milliseconds(100));
        if (!slept) co_return;
      }
    }
  }

  static Task<void> datagram_loop(State* state) {
    std::array<char, kMostDatagram> buffer{};
    while (state->datagrams.is_open()) {
      udp::endpoint from;
      const auto into = asio::buffer(buffer);
      const auto [error, size] = co_await state->datagrams.async_receive_from(into, from, kAwait);
      if (error == asio::error::operation_aborted) co_return;
      if (error || !from.address().is_v4()) continue;
      state->on_datagram(from.address().to_v4(), from.port(), std::string(buffer.data(), size));
    }
  }

  tcp::acceptor proxy;
  tcp::acceptor transparent;
  tcp::acceptor dns;
  udp::socket datagrams;
  TaskGroup tasks;
  OnArrival on_arrival;
  OnDatagram on_datagram;
};

Listeners::Listeners(asio::any_io_executor executor, OnArrival on_arrival, OnDatagram on_datagram)
    : state_(std::make_unique<State>(std::move(executor), std::move(on_arrival),
                                     std::move(on_datagram))) {}
Listeners::~Listeners() = default;

Status Listeners::start(const ListenPorts& ports) {
  State& state = *state_;
  if (auto done = state.listen(state.proxy, ports.address, ports.proxy, "the proxy"); !done) {
    return done;
  }
  if (auto done = state.listen(state.transparent, ports.address, ports.transparent, "egress");
      !done) {
    return done;
  }
  if (auto done = state.listen(state.dns, ports.address, ports.dns, "DNS"); !done) return done;
  boost::system::error_code error;
  const auto dns_port = state.dns.local_endpoint(error).port();
  const udp::endpoint datagrams(ports.address, dns_port);
  if (auto done = bind_to(state.datagrams, datagrams, "DNS"); !done) return done;
  state.datagrams.non_blocking(true, error);
  auto* raw = state_.get();
  state.tasks.spawn("proxy", State::accept_loop(raw, &state.proxy, Entrance::kProxy));
  state.tasks.spawn("transparent",
                    State::accept_loop(raw, &state.transparent, Entrance::kTransparent));
  state.tasks.spawn("dns tcp", State::accept_loop(raw, &state.dns, Entrance::kDns));
  state.tasks.spawn("dns udp", State::datagram_loop(raw));
  return {};
}

void Listeners::send_datagram(Ipv4 to, std::uint16_t port, std::string_view bytes) {
  boost::system::error_code ignored;
  state_->datagrams.send_to(asio::buffer(bytes), udp::endpoint(to, port), 0, ignored);
}

Task<void> Listeners::stop() {
  boost::system::error_code ignored;
  state_->proxy.close(ignored);
  state_->transparent.close(ignored);
  state_->dns.close(ignored);
  state_->datagrams.close(ignored);
  state_->tasks.cancel();
  co_await state_->tasks.join();
}

ListenPorts Listeners::ports() const {
  boost::system::error_code ignored;
  const auto proxy = state_->proxy.local_endpoint(ignored);
  return {.address = proxy.address().to_v4(),
          .proxy = proxy.port(),
          .transparent = state_->transparent.local_endpoint(ignored).port(),
          .dns = state_->dns.local_endpoint(ignored).port()};
}

}  // namespace deployclaw::egress
