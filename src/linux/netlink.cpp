#include "linux/netlink.hpp"

#include <algorithm>
#include <optional>

#include "linux/file.hpp"
#include "linux/netns.hpp"
#include "linux/route_socket.hpp"

namespace deployclaw::linux {

namespace {

const std::string kInside = "eth0";

Status check_name(const std::string& name) {
  if (name.empty() || name.size() > 15 || name.find_first_of("/ .%") != std::string::npos) {
    return fail(Code::kInvalid, "bad interface name: " + name);
  }
  return {};
}

// A kernel without IPv6 has no such files, which is as good as off.
Status disable_ipv6(const std::string& interface) {
  const auto path = "/proc/sys/net/ipv6/conf/" + interface + "/disable_ipv6";
  auto written = write_small_file(path, "1");
  if (!written && written.error().code == Code::kNotFound) return {};
  return written;
}

// Belt and braces beneath the nftables table: even without it a packet from an agent is not
// forwarded, unless someone later turns forwarding on for all interfaces.
Status harden_host_side(const std::string& interface) {
  if (auto done = disable_ipv6(interface); !done) return done;
  struct Setting {
    const char* key;
    const char* value;
  };
  constexpr Setting kSettings[] = {
      {"forwarding", "0"},     {"proxy_arp", "0"},           {"accept_redirects", "0"},
      {"send_redirects", "0"}, {"accept_source_route", "0"}, {"route_localnet", "0"},
      {"rp_filter", "1"},
  };
  for (const auto& [key, value] : kSettings) {
    const auto path = "/proc/sys/net/ipv4/conf/" + interface + "/" + key;
    if (auto done = write_small_file(path, value); !done) return done;
  }
  return {};
}

bool has_route(const std::vector<Route>& routes, std::uint32_t interface, Ipv4 destination,
               unsigned char prefix_length, std::optional<Ipv4> via) {
  return std::ranges::any_of(routes, [&](const Route& route) {
    return route.interface == interface && route.destination == destination &&
           route.prefix_length == prefix_length && route.via == via;
  });
}

// Whether the inside end is what `link` asks for; `host` is the outside end.
Result<bool> inside_is_right(const UniqueFd& netns, const AgentLink& link, const Link& host) {
  bool right = false;
  const auto look = [&]() -> Status {
    auto socket = RouteSocket::open();
    if (!socket) return fail(socket.error());
    const auto inside = socket->find(kInside);
    if (!inside) return fail(inside.error());
    if (!*inside) return {};
    const auto& eth0 = **inside;
    if (!eth0.up || eth0.index != host.peer_index || eth0.peer_index != host.index) return {};
    const auto addresses = socket->addresses(eth0.index);
    if (!addresses) return fail(addresses.error());
    const auto routes = socket->routes();
    if (!routes) return fail(routes.error());
    right = addresses->size() == 1 && addresses->front() == link.address &&
            has_route(*routes, eth0.index, Ipv4(), 0, link.gateway);
    return {};
  };
  const auto looked = run_in_netns(netns, look);
  if (!looked) return fail(looked.error());
  return right;
}

Result<bool> is_attached_to(RouteSocket& socket, const UniqueFd& netns, const AgentLink& link) {
  const auto host = socket.find(link.name);
  if (!host) return fail(host.error());
  if (!*host || !(*host)->up || !(*host)->peer_netns_id) return false;
  // Looking the interface up made the kernel give the peer's namespace an id, so it has one now.
  const auto id = socket.netns_id(netns.get());
  if (!id) return fail(id.error());
  if (*id != (*host)->peer_netns_id) return false;
  const auto routes = socket.routes();
  if (!routes) return fail(routes.error());
  if (!has_route(*routes, (*host)->index, link.address, 32, std::nullopt)) return false;
  return inside_is_right(netns, link, **host);
}

Status remove_if_present(RouteSocket& socket, const std::string& name) {
  const auto found = socket.find(name);
  if (!found) return fail(found.error());
  if (!*found) return {};
  auto removed = socket.remove((*found)->index);
  // Its container may have ended between the two calls.
  if (!removed && removed.error().code == Code::kNotFound) return {};
  return removed;
}

Status configure_host_side(RouteSocket& socket, const AgentLink& link, const Link& host,
                           const MacAddress& inside_mac) {
  if (auto done = harden_host_side(link.name); !done) return done;
  if (auto done = socket.set_up(host.index); !done) return done;
  const Route to_agent{
      .destination = link.address, .interface = host.index, .via = {}, .source = link.gateway};
  if (auto done = socket.replace_route(to_agent); !done) return done;
  return socket.replace_neighbour(host.index, link.address, inside_mac);
}

Status configure_inside(const AgentLink& link, const MacAddress& host_mac) {
  auto socket = RouteSocket::open();
  if (!socket) return fail(socket.error());
  const auto eth0 = socket->find(kInside);
  if (!eth0) return fail(eth0.error());
  if (!*eth0) return fail(Code::kNotFound, "eth0 vanished");
  const auto index = (*eth0)->index;
  if (auto done = socket->add_address(index, link.address); !done) return done;
  if (auto done = socket->set_up(index); !done) return done;
  if (auto done = socket->replace_neighbour(index, link.gateway, host_mac); !done) return done;
  Route route{.destination = link.gateway, .interface = index, .via = {}, .source = {}};
  if (auto done = socket->replace_route(route); !done) return done;
  route = {
      .destination = {}, .prefix_length = 0, .interface = index, .via = link.gateway, .source = {}};
  return socket->replace_route(route);
}

// Before the pair exists: no IPv6 for any interface to come, and no older eth0 in the way.
Status prepare_inside() {
  for (const auto* scope : {"all", "default"}) {
    if (auto done = disable_ipv6(scope); !done) return done;
  }
  auto socket = RouteSocket::open();
  if (!socket) return fail(socket.error());
  return remove_if_present(*socket, kInside);
}

// Locally administered addresses (IEEE 802), known before the pair exists.
MacAddress mac_of(unsigned char side, Ipv4 address) {
  const auto bytes = address.to_bytes();
  return {0x02, side, bytes[0], bytes[1], bytes[2], bytes[3]};
}

Status wire(RouteSocket& socket, const UniqueFd& netns, const AgentLink& link) {
  const auto host_mac = mac_of(0xDC, link.address);
  const auto inside_mac = mac_of(0xDA, link.address);
  if (auto done = remove_if_present(socket, link.name); !done) return done;
  if (auto done = run_in_netns(netns, prepare_inside); !done) return done;
  const PairEnd outer{.name = link.name, .mac = host_mac};
  const PairEnd inner{.name = kInside, .mac = inside_mac};
  if (auto done = socket.create_pair(outer, inner, netns.get()); !done) return done;
  const auto host = socket.find(link.name);
  if (!host) return fail(host.error());
  if (!*host) return fail(Code::kNotFound, "interface " + link.name + " vanished");
  if (auto done = configure_host_side(socket, link, **host, inside_mac); !done) return done;
  return run_in_netns(netns, [&] { return configure_inside(link, host_mac); });
}

}  // namespace

Status ensure_gateway(const std::string& device, Ipv4 gateway) {
  if (auto done = check_name(device); !done) return done;
  auto socket = RouteSocket::open();
  if (!socket) return fail(socket.error());
  auto found = socket->find(device);
  if (!found) return fail(found.error());
  if (!*found) {
    auto created = socket->create_dummy(device);
    if (!created && created.error().code == Code::kUnsupported) {
      const PairEnd end{.name = device, .mac = {}};
      const PairEnd nowhere{.name = device + "p", .mac = {}};
      created = socket->create_pair(end, nowhere, -1);
    }
    if (!created && created.error().code != Code::kConflict) return created;
    found = socket->find(device);
    if (!found) return fail(found.error());
    if (!*found) return fail(Code::kInternal, "interface " + device + " vanished");
  }
  const auto index = (*found)->index;
  if (auto done = disable_ipv6(device); !done) return done;
  if (auto done = socket->add_address(index, gateway); !done) return done;
  return socket->set_up(index);
}

Status remove_gateway(const std::string& device) { return detach_agent(device); }

Status attach_agent(const AgentLink& link) {
  const auto where = "wire " + link.name + " to process " + std::to_string(link.pid);
  if (auto done = check_name(link.name); !done) return done;
  const auto netns = open_netns(link.pid);
  if (!netns) return context(where, netns.error());
  const auto own = is_own_netns(*netns);
  if (!own) return context(where, own.error());
  // The host's own eth0 would be replaced otherwise.
  if (*own) return fail(Code::kConflict, where + ": it lives in the host's network namespace");
  auto socket = RouteSocket::open();
  if (!socket) return context(where, socket.error());
  const auto attached = is_attached_to(*socket, *netns, link);
  if (!attached) return context(where, attached.error());
  if (*attached) return {};
  if (auto done = wire(*socket, *netns, link); !done) return context(where, done.error());
  return {};
}

Result<bool> is_attached(const AgentLink& link) {
  const auto netns = open_netns(link.pid);
  if (!netns && netns.error().code == Code::kNotFound) return false;
  if (!netns) return fail(netns.error());
  auto socket = RouteSocket::open();
  if (!socket) return fail(socket.error());
  return is_attached_to(*socket, *netns, link);
}

Status detach_agent(const std::string& name) {
  if (auto done = check_name(name); !done) return done;
  auto socket = RouteSocket::open();
  if (!socket) return fail(socket.error());
  return remove_if_present(*socket, name);
}

Result<std::vector<LinkInfo>> list_links(std::string_view prefix) {
  auto socket = RouteSocket::open();
  if (!socket) return fail(socket.error());
  const auto links = socket->links();
  if (!links) return fail(links.error());
  std::vector<LinkInfo> ours;
  for (const auto& link : *links) {
    if (!link.name.starts_with(prefix)) continue;
    // What leaves the host side arrives at the agent.
    ours.push_back({.name = link.name,
                    .index = link.index,
                    .up = link.up,
                    .agent_rx_bytes = link.tx_bytes,
                    .agent_tx_bytes = link.rx_bytes});
  }
  return ours;
}

}  // namespace deployclaw::linux
