#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "dns/resolver.hpp"
#include "net/byte_stream.hpp"
#include "net/tls.hpp"

namespace deployclaw::egress {

struct UpstreamKey {
  std::string host;
  std::uint16_t port = 443;
  bool tls = true;
  auto operator<=>(const UpstreamKey&) const = default;
};

// A connection to an upstream and how it came.
struct Upstream {
  std::unique_ptr<net::ByteStream> stream;
  std::string address;  // that was dialled
  bool reused = false;
};

// Connections of one worker to the outside: names are resolved when it dials, every address is
// checked, and the checked address is the one dialled. Idle ones are kept for the next request to
// the same host, port and kind. One thread.
class Upstreams {
 public:
  static constexpr std::size_t kMostIdle = 256;
  static constexpr std::chrono::seconds kIdleLife{50};
  static constexpr std::chrono::seconds kConnectDeadline{10};

  Upstreams(boost::asio::any_io_executor executor, net::CoarseTimer& timer, dns::Resolver& resolver,
            net::TlsClientContext& tls)
      : executor_(std::move(executor)), timer_(timer), resolver_(resolver), tls_(tls) {}

  // An idle connection that is fit for use, the one used last; nullptr stream when there is none.
  Upstream take_idle(const UpstreamKey& key);
  // A fresh one. Errors with a public detail: kForbidden "upstream_address" (an address that is not
  // of the public internet) or "upstream_certificate"; kUnavailable "upstream_unreachable";
  // kTimeout "upstream_timeout".
  Task<Result<Upstream>> dial(UpstreamKey key);
  // Keeps a connection whose last answer was read to its end.
  void give_back(const UpstreamKey& key, Upstream upstream);
  // Closes what was idle too long.
  void sweep();

 private:
  using Clock = std::chrono::steady_clock;
  struct Idle {
    Upstream upstream;
    Clock::time_point since;
  };
  Task<Result<Upstream>> connect(dns::Address address, std::uint16_t port);

  boost::asio::any_io_executor executor_;
  net::CoarseTimer& timer_;
  dns::Resolver& resolver_;
  net::TlsClientContext& tls_;
  std::map<UpstreamKey, std::deque<Idle>> idle_;
  std::size_t count_ = 0;
};

}  // namespace deployclaw::egress
