#pragma once

#include <linux/rtnetlink.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "linux/address_pool.hpp"

struct mnl_socket;

namespace deployclaw::linux {

using MacAddress = std::array<unsigned char, 6>;

struct Link {
  std::string name;
  std::uint32_t index = 0;
  bool up = false;
  MacAddress mac{};
  std::uint32_t peer_index = 0;               // of a veth pair, in the peer's namespace
  std::optional<std::int32_t> peer_netns_id;  // unset when the peer lives here too
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};

// One end of a veth pair to create; an all-zero address leaves the choice to the kernel.
struct PairEnd {
  std::string name;
  MacAddress mac{};
};

struct Route {
  Ipv4 destination;
  unsigned char prefix_length = 32;
  std::uint32_t interface = 0;
  std::optional<Ipv4> via;
  std::optional<Ipv4> source;  // preferred source address
};

// rtnetlink for the namespace that open() was called in: one small function per kernel call.
// Blocks; not thread-safe. Private to this module.
class RouteSocket {
 public:
  static Result<RouteSocket> open();

  Result<std::optional<Link>> find(const std::string& name);
  Result<std::vector<Link>> links();
  Result<std::vector<Ipv4>> addresses(std::uint32_t interface);
  Result<std::vector<Route>> routes();  // main table, unicast

  Status create_dummy(const std::string& name);
  // The peer is born in namespace `peer_netns` (a file descriptor; -1: here), so it is never seen
  // half-moved.
  Status create_pair(const PairEnd& end, const PairEnd& peer, int peer_netns);
  Status remove(std::uint32_t interface);
  Status set_up(std::uint32_t interface);
  Status add_address(std::uint32_t interface, Ipv4 address);  // as /32; present is fine
  Status replace_route(const Route& route);
  Status replace_neighbour(std::uint32_t interface, Ipv4 address, const MacAddress& mac);
  // The id this namespace has for another one; nullopt when it has none yet.
  Result<std::optional<std::int32_t>> netns_id(int netns);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  using OnMessage = std::function<void(const nlmsghdr*)>;

  explicit RouteSocket(mnl_socket* socket) : socket_(socket) {}
  // Sends and reads up to the acknowledgement or the end of the dump; 0 or an errno.
  int transact(nlmsghdr* message, const OnMessage& on_message = {});
  Status acknowledge(nlmsghdr* message, const std::string& what);

  std::unique_ptr<mnl_socket, Close> socket_;
  unsigned sequence_ = 0;
};

}  // namespace deployclaw::linux
