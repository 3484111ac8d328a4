#include "linux/route_socket.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/veth.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>

#include "linux/file.hpp"

namespace deployclaw::linux {

namespace {

constexpr std::size_t kRequestSize = 1024;
constexpr std::size_t kAnswerSize = 32768;  // what the kernel fills at most in one dump read

// A request being built. Every use below stays far under kRequestSize: names are at most 15 bytes.
class Request {
 public:
  Request(std::uint16_t type, unsigned flags) : header_(mnl_nlmsg_put_header(buffer_)) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  }
  template <class Body>
  Body* body() {
    return static_cast<Body*>(mnl_nlmsg_put_extra_header(header_, sizeof(Body)));
  }
  nlmsghdr* header() { return header_; }
  void put(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header_, type, value); }
  void put(std::uint16_t type, const std::string& text) {
    mnl_attr_put_strz(header_, type, text.c_str());
  }
  void put(std::uint16_t type, Ipv4 address) { put(type, htonl(address.to_uint())); }
  void put(std::uint16_t type, const MacAddress& mac) {
    mnl_attr_put(header_, type, mac.size(), mac.data());
  }

 private:
  alignas(nlmsghdr) char buffer_[kRequestSize] = {};
  nlmsghdr* header_;
};

template <class Visit>
void for_each_attribute(const nlmsghdr* message, std::size_t body_size, Visit visit) {
  const auto callback = [](const nlattr* attribute, void* data) {
    (*static_cast<Visit*>(data))(attribute);
    return MNL_CB_OK;
  };
  mnl_attr_parse(message, static_cast<unsigned>(body_size), callback, &visit);
}

void put_end(Request& request, const PairEnd& end) {
  request.put(IFLA_IFNAME, end.name);
  if (end.mac != MacAddress{}) request.put(IFLA_ADDRESS, end.mac);
}

Ipv4 get_ipv4(const nlattr* attribute) { return Ipv4(ntohl(mnl_attr_get_u32(attribute))); }

Link read_link(const nlmsghdr* message) {
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  Link link;
  link.index = static_cast<std::uint32_t>(info->ifi_index);
  link.up = (info->ifi_flags & IFF_UP) != 0;
  for_each_attribute(message, sizeof *info, [&](const nlattr* attribute) {
    const auto size = mnl_attr_get_payload_len(attribute);
    switch (mnl_attr_get_type(attribute)) {
      case IFLA_IFNAME:
        link.name = mnl_attr_get_str(attribute);
        break;
      case IFLA_ADDRESS:
        if (size == link.mac.size()) {
          std::memcpy(link.mac.data(), mnl_attr_get_payload(attribute), size);
        }
        break;
      case IFLA_LINK:
        link.peer_index = mnl_attr_get_u32(attribute);
        break;
      case IFLA_LINK_NETNSID:
        link.peer_netns_id = static_cast<std::int32_t>(mnl_attr_get_u32(attribute));
        break;
      case IFLA_STATS64: {
        rtnl_link_stats64 stats{};
        std::memcpy(&stats, mnl_attr_get_payload(attribute),
                    std::min<std::size_t>(size, sizeof stats));
        link.rx_bytes = stats.rx_bytes;
        link.tx_bytes = stats.tx_bytes;
        break;
      }
      default:
        break;
    }
  });
  return link;
}

}  // namespace

void RouteSocket::Close::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Result<RouteSocket> RouteSocket::open() {
  auto* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (socket == nullptr) return fail_errno("open netlink socket", errno);
  RouteSocket opened(socket);
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) {
    return fail_errno("bind netlink socket", errno);
  }
  // The kernel answers at once; a silence is a fault and must not hold a thread for ever.
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  if (::setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof patience) != 0) {
    return fail_errno("set netlink timeout", errno);
  }
  return opened;
}

int RouteSocket::transact(nlmsghdr* message, const OnMessage& on_message) {
  message->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) return errno;
  alignas(nlmsghdr) char buffer[kAnswerSize];
  const auto callback = [](const nlmsghdr* answer, void* data) {
    const auto& visit = *static_cast<const OnMessage*>(data);
    if (visit) visit(answer);
    return MNL_CB_OK;
  };
  auto visit = on_message;
  for (;;) {
    const auto size = mnl_socket_recvfrom(socket_.get(), buffer, sizeof buffer);
    if (size < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    const auto outcome = mnl_cb_run(buffer, static_cast<std::size_t>(size), sequence_,
                                    mnl_socket_get_portid(socket_.get()), callback, &visit);
    if (outcome == MNL_CB_STOP) return 0;
    if (outcome < 0) return errno;
  }
}

Status RouteSocket::acknowledge(nlmsghdr* message, const std::string& what) {
  message->nlmsg_flags |= NLM_F_ACK;
  if (const int error = transact(message)) return fail_errno(what, error);
  return {};
}

Result<std::optional<Link>> RouteSocket::find(const std::string& name) {
  Request request(RTM_GETLINK, NLM_F_ACK);
  request.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
  request.put(IFLA_IFNAME, name);
  std::optional<Link> found;
  const int error = transact(request.header(), [&](const nlmsghdr* m) { found = read_link(m); });
  if (error == ENODEV) return std::nullopt;
  if (error != 0) return fail_errno("look up interface " + name, error);
  return found;
}

Result<std::vector<Link>> RouteSocket::links() {
  Request request(RTM_GETLINK, NLM_F_DUMP);
  request.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
  std::vector<Link> all;
  const int error =
      transact(request.header(), [&](const nlmsghdr* m) { all.push_back(read_link(m)); });
  if (error != 0) return fail_errno("list interfaces", error);
  return all;
}

Result<std::vector<Ipv4>> RouteSocket::addresses(std::uint32_t interface) {
  Request request(RTM_GETADDR, NLM_F_DUMP);
  request.body<ifaddrmsg>()->ifa_family = AF_INET;
  std::vector<Ipv4> all;
  const int error = transact(request.header(), [&](const nlmsghdr* message) {
    const auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
    if (info->ifa_index != interface || info->ifa_family != AF_INET) return;
    for_each_attribute(message, sizeof *info, [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) == IFA_LOCAL) all.push_back(get_ipv4(attribute));
    });
  });
  if (error != 0) return fail_errno("list addresses", error);
  return all;
}

Result<std::vector<Route>> RouteSocket::routes() {
  Request request(RTM_GETROUTE, NLM_F_DUMP);
  request.body<rtmsg>()->rtm_family = AF_INET;
  std::vector<Route> all;
  const int error = transact(request.header(), [&](const nlmsghdr* message) {
    const auto* info = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
    if (info->rtm_table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST) return;
    Route route;
    route.prefix_length = info->rtm_dst_len;
    for_each_attribute(message, sizeof *info, [&](const nlattr* attribute) {
      const auto type = mnl_attr_get_type(attribute);
      if (type == RTA_DST) route.destination = get_ipv4(attribute);
      if (type == RTA_OIF) route.interface = mnl_attr_get_u32(attribute);
      if (type == RTA_GATEWAY) route.via = get_ipv4(attribute);
      if (type == RTA_PREFSRC) route.source = get_ipv4(attribute);
    });
    all.push_back(route);
  });
  if (error != 0) return fail_errno("list routes", error);
  return all;
}

Status RouteSocket::create_dummy(const std::string& name) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
  request.put(IFLA_IFNAME, name);
  auto* info = mnl_attr_nest_start(request.header(), IFLA_LINKINFO);
  mnl_attr_put_str(request.header(), IFLA_INFO_KIND, "dummy");
  mnl_attr_nest_end(request.header(), info);
  request.header()->nlmsg_flags |= NLM_F_ACK;
  const int error = transact(request.header());
  if (error == EOPNOTSUPP) return fail(Code::kUnsupported, "this kernel has no dummy device");
  if (error != 0) return fail_errno("create interface " + name, error);
  return {};
}

Status RouteSocket::create_pair(const PairEnd& end, const PairEnd& peer, int peer_netns) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
  put_end(request, end);
  auto* info = mnl_attr_nest_start(request.header(), IFLA_LINKINFO);
  mnl_attr_put_str(request.header(), IFLA_INFO_KIND, "veth");
  auto* data = mnl_attr_nest_start(request.header(), IFLA_INFO_DATA);
  auto* nested = mnl_attr_nest_start(request.header(), VETH_INFO_PEER);
  request.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
  put_end(request, peer);
  if (peer_netns >= 0) request.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(peer_netns));
  mnl_attr_nest_end(request.header(), nested);
  mnl_attr_nest_end(request.header(), data);
  mnl_attr_nest_end(request.header(), info);
  return acknowledge(request.header(), "create interface pair " + end.name + " and " + peer.name);
}

Status RouteSocket::remove(std::uint32_t interface) {
  Request request(RTM_DELLINK, 0);
  request.body<ifinfomsg>()->ifi_index = static_cast<int>(interface);
  return acknowledge(request.header(), "remove interface");
}

Status RouteSocket::set_up(std::uint32_t interface) {
  Request request(RTM_NEWLINK, 0);
  auto* body = request.body<ifinfomsg>();
  body->ifi_index = static_cast<int>(interface);
  body->ifi_flags = IFF_UP;
  body->ifi_change = IFF_UP;
  return acknowledge(request.header(), "set interface up");
}

Status RouteSocket::add_address(std::uint32_t interface, Ipv4 address) {
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  auto* body = request.body<ifaddrmsg>();
  body->ifa_family = AF_INET;
  body->ifa_prefixlen = 32;
  body->ifa_index = interface;
  request.put(IFA_LOCAL, address);
  request.put(IFA_ADDRESS, address);
  return acknowledge(request.header(), "add address " + address.to_string());
}

Status RouteSocket::replace_route(const Route& route) {
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  auto* body = request.body<rtmsg>();
  body->rtm_family = AF_INET;
  body->rtm_dst_len = route.prefix_length;
  body->rtm_table = RT_TABLE_MAIN;
  body->rtm_protocol = RTPROT_STATIC;
  body->rtm_scope = route.via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  body->rtm_type = RTN_UNICAST;
  if (route.prefix_length > 0) request.put(RTA_DST, route.destination);
  request.put(RTA_OIF, route.interface);
  if (route.via) request.put(RTA_GATEWAY, *route.via);
  if (route.source) request.put(RTA_PREFSRC, *route.source);
  return acknowledge(request.header(), "set route to " + route.destination.to_string());
}

Status RouteSocket::replace_neighbour(std::uint32_t interface, Ipv4 address,
                                      const MacAddress& mac) {
  Request request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  auto* body = request.body<ndmsg>();
  body->ndm_family = AF_INET;
  body->ndm_ifindex = static_cast<int>(interface);
  body->ndm_state = NUD_PERMANENT;
  request.put(NDA_DST, address);
  request.put(NDA_LLADDR, mac);
  return acknowledge(request.header(), "set neighbour " + address.to_string());
}

Result<std::optional<std::int32_t>> RouteSocket::netns_id(int netns) {
  Request request(RTM_GETNSID, NLM_F_ACK);
  request.body<rtgenmsg>()->rtgen_family = AF_UNSPEC;
  request.put(NETNSA_FD, static_cast<std::uint32_t>(netns));
  std::optional<std::int32_t> id;
  const int error = transact(request.header(), [&](const nlmsghdr* message) {
    for_each_attribute(message, sizeof(rtgenmsg), [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) != NETNSA_NSID) return;
      const auto value = static_cast<std::int32_t>(mnl_attr_get_u32(attribute));
      if (value >= 0) id = value;
    });
  });
  if (error != 0) return fail_errno("look up network namespace id", error);
  return id;
}

}  // namespace deployclaw::linux
