#include "linux/nftables.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "linux/file.hpp"
#include "linux/netlink.hpp"
#include "linux/route_socket.hpp"
#include "linux/testing/network_sandbox.hpp"

// The firewall, attacked for real: a make-believe host with two agents, each in its namespace, and
// beside every attack that must fail the same attack with the table removed, which must work.
namespace deployclaw::linux {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NetworkSandbox;

// What must come is waited for at length, so that a busy machine fails no test; what must not come
// is given a moment.
constexpr int kArrivalMilliseconds = 5000;
constexpr int kMomentMilliseconds = 300;

sockaddr_in endpoint(Ipv4 address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(address.to_uint());
  return name;
}

int bind_to(const UniqueFd& socket, Ipv4 address, std::uint16_t port) {
  const auto name = endpoint(address, port);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

UniqueFd make_listener(Ipv4 address, std::uint16_t port, int type = SOCK_STREAM) {
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  EXPECT_EQ(bind_to(socket, address, port), 0) << std::strerror(errno);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(socket.get(), 8), 0);
  }
  return socket;
}

bool readable_within(const UniqueFd& socket, int milliseconds) {
  pollfd poll{.fd = socket.get(), .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, milliseconds) == 1 && (poll.revents & POLLIN) != 0;
}
bool becomes_readable(const UniqueFd& socket) {
  return readable_within(socket, kArrivalMilliseconds);
}
bool stays_silent(const UniqueFd& socket) { return !readable_within(socket, kMomentMilliseconds); }

enum class Connect { kConnected, kRefused, kSilence };

Connect tcp_connect(Ipv4 address, std::uint16_t port, Ipv4 source = {},
                    int patience = kArrivalMilliseconds) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!source.is_unspecified()) {
    EXPECT_EQ(bind_to(socket, source, 0), 0);
  }
  const auto name = endpoint(address, port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) {
    return Connect::kConnected;
  }
  pollfd poll{.fd = socket.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&poll, 1, patience) != 1) return Connect::kSilence;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return Connect::kConnected;
  return error == ECONNREFUSED ? Connect::kRefused : Connect::kSilence;
}

void send_udp(Ipv4 address, std::uint16_t port, Ipv4 source = {}) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!source.is_unspecified()) {
    EXPECT_EQ(bind_to(socket, source, 0), 0);
  }
  const auto name = endpoint(address, port);
  ::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

bool ping_answers(Ipv4 address, int patience) {
  const UniqueFd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  icmphdr echo{};
  echo.type = ICMP_ECHO;
  echo.un.echo.id = 7;
  echo.checksum = static_cast<std::uint16_t>(~((ICMP_ECHO) + 7));
  const auto name = endpoint(address, 0);
  ::sendto(socket.get(), &echo, sizeof echo, 0, reinterpret_cast<const sockaddr*>(&name),
           sizeof name);
  return readable_within(socket, patience);
}

class FirewallAttack : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!NetworkSandbox::possible()) GTEST_SKIP() << "needs root";
    sandbox_ = std::make_unique<NetworkSandbox>();
    config_.names = NetworkNames::for_instance("").value();
    config_.gateway = gateway_;
    firewall_ = std::make_unique<Firewall>(config_);
    const auto loaded = firewall_->load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_TRUE(ensure_gateway("dcgw0", gateway_));
    mallory_ = join("dca2", mallory_address_);
    neighbour_ = join("dca3", neighbour_address_);
    // What an engine does at its start: the worst case for isolation, since the change (not the
    // value) turns forwarding on for every interface.
    ASSERT_TRUE(write_small_file("/proc/sys/net/ipv4/ip_forward", "0"));
    ASSERT_TRUE(write_small_file("/proc/sys/net/ipv4/ip_forward", "1"));
  }
  pid_t join(const std::string& name, Ipv4 address) {
    const auto pid = sandbox_->make_agent();
    const auto admitted = firewall_->add_agent({name, address});
    EXPECT_TRUE(admitted) << admitted.error().message;
    const auto attached =
        attach_agent({.name = name, .pid = pid, .address = address, .gateway = gateway_});
    EXPECT_TRUE(attached) << attached.error().message;
    return pid;
  }
  Connect connect_from(pid_t agent, Ipv4 address, std::uint16_t port, Ipv4 source = {},
                       int patience = kArrivalMilliseconds) {
    auto outcome = Connect::kSilence;
    sandbox_->inside(agent, [&] { outcome = tcp_connect(address, port, source, patience); });
    return outcome;
  }
  // Another address of its own making, as root inside would add.
  void take_address(pid_t agent, Ipv4 address) {
    sandbox_->inside(agent, [&] {
      auto socket = RouteSocket::open();
      ASSERT_TRUE(socket);
      ASSERT_TRUE(socket->add_address((*socket->find("eth0"))->index, address));
    });
  }
  FirewallCounters counters() { return firewall_->counters().value(); }
  void open_the_gates() { ASSERT_TRUE(firewall_->unload()); }

  const Ipv4 gateway_{0x0AE70001};
  const Ipv4 mallory_address_{0x0AE70002};
  const Ipv4 neighbour_address_{0x0AE70003};
  FirewallConfig config_;
  std::unique_ptr<NetworkSandbox> sandbox_;
  std::unique_ptr<Firewall> firewall_;
  pid_t mallory_ = 0;
  pid_t neighbour_ = 0;
};

TEST_F(FirewallAttack, HostPortsAreOutOfReach) {
  const auto listener = make_listener({}, 22);
  EXPECT_EQ(connect_from(mallory_, gateway_, 22), Connect::kRefused);  // led to the closed door
  open_the_gates();
  EXPECT_EQ(connect_from(mallory_, gateway_, 22), Connect::kConnected);
}

TEST_F(FirewallAttack, EveryConnectionEndsAtEgressAndOnlyThere) {
  EXPECT_EQ(connect_from(mallory_, gateway_, 3128), Connect::kRefused);
  EXPECT_EQ(connect_from(mallory_, Ipv4(0x5DB8D822), 443), Connect::kRefused);
  const auto proxy = make_listener(gateway_, config_.proxy_port);
  const auto transparent = make_listener(gateway_, config_.transparent_port);
  const auto dns = make_listener(gateway_, config_.dns_port);
  const auto dns_udp = make_listener(gateway_, config_.dns_port, SOCK_DGRAM);
  EXPECT_EQ(connect_from(mallory_, gateway_, 3128), Connect::kConnected);
  EXPECT_TRUE(becomes_readable(proxy));
  EXPECT_EQ(connect_from(mallory_, Ipv4(0x5DB8D822), 443), Connect::kConnected);
  EXPECT_TRUE(becomes_readable(transparent));
  EXPECT_EQ(connect_from(mallory_, Ipv4(0x08080808), 53), Connect::kConnected);
  EXPECT_TRUE(becomes_readable(dns));
  sandbox_->inside(mallory_, [] { send_udp(Ipv4(0x08080808), 53); });
  EXPECT_TRUE(becomes_readable(dns_udp));
}

TEST_F(FirewallAttack, TheNeighbourIsOutOfReach) {
  UniqueFd listener;
  sandbox_->inside(neighbour_, [&] { listener = make_listener({}, 18789); });
  EXPECT_EQ(connect_from(mallory_, neighbour_address_, 18789), Connect::kRefused);
  EXPECT_TRUE(stays_silent(listener));
  UniqueFd datagrams;
  sandbox_->inside(neighbour_, [&] { datagrams = make_listener({}, 9999, SOCK_DGRAM); });
  const auto before = counters();
  sandbox_->inside(mallory_, [&] { send_udp(neighbour_address_, 9999); });
  EXPECT_TRUE(stays_silent(datagrams));
  EXPECT_GT(counters().forwarded, before.forwarded);
  open_the_gates();
  EXPECT_EQ(connect_from(mallory_, neighbour_address_, 18789), Connect::kConnected);
  sandbox_->inside(mallory_, [&] { send_udp(neighbour_address_, 9999); });
  EXPECT_TRUE(becomes_readable(datagrams));
}

TEST_F(FirewallAttack, UdpAndIcmpToTheHostAreDroppedAndCounted) {
  const auto datagrams = make_listener({}, 9999, SOCK_DGRAM);
  sandbox_->inside(mallory_, [&] { send_udp(gateway_, 9999); });
  EXPECT_TRUE(stays_silent(datagrams));
  EXPECT_EQ(counters().host, 1U);
  bool answered = true;
  sandbox_->inside(mallory_, [&] { answered = ping_answers(gateway_, kMomentMilliseconds); });
  EXPECT_FALSE(answered);
  EXPECT_EQ(counters().host, 2U);
  open_the_gates();
  sandbox_->inside(mallory_, [&] { send_udp(gateway_, 9999); });
  EXPECT_TRUE(becomes_readable(datagrams));
  sandbox_->inside(mallory_, [&] { answered = ping_answers(gateway_, kArrivalMilliseconds); });
  EXPECT_TRUE(answered);
}

TEST_F(FirewallAttack, ASpoofedSourceAddressIsDroppedAndCounted) {
  take_address(mallory_, neighbour_address_);
  const auto datagrams = make_listener({}, 9999, SOCK_DGRAM);
  sandbox_->inside(mallory_, [&] { send_udp(gateway_, 9999, neighbour_address_); });
  EXPECT_TRUE(stays_silent(datagrams));
  EXPECT_EQ(counters().spoofed, 1U);
  EXPECT_EQ(counters().host, 0U);  // dropped before anything else looked at it
  const auto proxy = make_listener(gateway_, config_.proxy_port);
  EXPECT_EQ(connect_from(mallory_, gateway_, 3128, neighbour_address_, kMomentMilliseconds),
            Connect::kSilence);
  open_the_gates();
  // The control needs the second belt off as well.
  ASSERT_TRUE(write_small_file("/proc/sys/net/ipv4/conf/dca2/rp_filter", "0"));
  sandbox_->inside(mallory_, [&] { send_udp(gateway_, 9999, neighbour_address_); });
  EXPECT_TRUE(becomes_readable(datagrams));
}

TEST_F(FirewallAttack, AnAgentThatWasNotAdmittedReachesNothing) {
  ASSERT_TRUE(firewall_->remove_agent("dca2"));
  const auto proxy = make_listener(gateway_, config_.proxy_port);
  EXPECT_EQ(connect_from(mallory_, gateway_, 3128, {}, kMomentMilliseconds), Connect::kSilence);
  EXPECT_EQ(connect_from(neighbour_, gateway_, 3128), Connect::kConnected);
  ASSERT_TRUE(firewall_->add_agent({"dca2", mallory_address_}));
  EXPECT_EQ(connect_from(mallory_, gateway_, 3128), Connect::kConnected);
}

TEST_F(FirewallAttack, TheHostReachesAnAgentAndHearsItsAnswer) {
  UniqueFd listener;
  sandbox_->inside(mallory_, [&] { listener = make_listener({}, 18789); });
  EXPECT_EQ(tcp_connect(mallory_address_, 18789), Connect::kConnected);
  ASSERT_TRUE(becomes_readable(listener));
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const UniqueFd accepted(::accept(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size));
  EXPECT_EQ(ntohl(peer.sin_addr.s_addr), gateway_.to_uint());
}

TEST_F(FirewallAttack, Ipv6IsDroppedEvenWhenTurnedOnAgain) {
  if (::access("/proc/sys/net/ipv6/conf/dca2/disable_ipv6", W_OK) != 0) {
    GTEST_SKIP() << "this kernel has no IPv6";
  }
  // On the host side too, or the kernel drops it before the table sees it.
  ASSERT_TRUE(write_small_file("/proc/sys/net/ipv6/conf/dca2/disable_ipv6", "0"));
  sandbox_->inside(mallory_, [] {
    for (const auto* scope : {"all", "eth0"}) {
      ASSERT_TRUE(
          write_small_file(std::string("/proc/sys/net/ipv6/conf/") + scope + "/disable_ipv6", "0"));
    }
  });
  // Multicast listener reports and router solicitations go out by themselves; force one packet.
  const auto send = [&] {
    sandbox_->inside(mallory_, [] {
      const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      sockaddr_in6 name{};
      name.sin6_family = AF_INET6;
      name.sin6_port = htons(9999);
      name.sin6_scope_id = 0;
      ::inet_pton(AF_INET6, "ff02::1", &name.sin6_addr);
      auto inner = RouteSocket::open();
      ASSERT_TRUE(inner);
      name.sin6_scope_id = (*inner->find("eth0"))->index;
      for (int i = 0; i < 40; ++i) {
        if (::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&name),
                     sizeof name) == 1) {
          return;
        }
        ::usleep(100'000);  // the link-local address is still tentative
      }
      ADD_FAILURE() << "cannot send IPv6 at all";
    });
  };
  send();
  EXPECT_GT(counters().ipv6, 0U);
}

class FirewallTable : public FirewallAttack {};

TEST_F(FirewallTable, KeepsItsAgentsWhenLoadedAgain) {
  Firewall second(config_);
  ASSERT_TRUE(second.load());
  EXPECT_THAT(second.list_agents().value(), ElementsAre(FirewallEntry{"dca2", mallory_address_},
                                                        FirewallEntry{"dca3", neighbour_address_}));
  EXPECT_TRUE(second.verify());
}

TEST_F(FirewallTable, AdmitsEachInterfaceAndEachAddressOnce) {
  ASSERT_TRUE(firewall_->add_agent({"dca2", mallory_address_}));
  ASSERT_TRUE(firewall_->add_agent({"dca4", mallory_address_}));
  EXPECT_THAT(firewall_->list_agents().value(),
              ElementsAre(FirewallEntry{"dca3", neighbour_address_},
                          FirewallEntry{"dca4", mallory_address_}));
  ASSERT_TRUE(firewall_->add_agent({"dca3", mallory_address_}));
  EXPECT_THAT(firewall_->list_agents().value(),
              ElementsAre(FirewallEntry{"dca3", mallory_address_}));
  ASSERT_TRUE(firewall_->remove_agent("dca3"));
  ASSERT_TRUE(firewall_->remove_agent("dca3"));
  EXPECT_THAT(firewall_->list_agents().value(), IsEmpty());
}

TEST_F(FirewallTable, RefusesInterfacesThatAreNotItsOwn) {
  for (const auto* name : {"eth0", "dca", "dca1\" . 10.0.0.1 }; flush ruleset; #", "dca*"}) {
    const auto added = firewall_->add_agent({name, mallory_address_});
    ASSERT_FALSE(added) << name;
    EXPECT_EQ(added.error().code, Code::kInvalid);
  }
}

// Runs the nft program in the make-believe host, as an intruder or a careless operator would.
int run_nft_program(const char* command) {
  const auto pid = ::fork();
  if (pid == 0) {
    ::execl("/usr/sbin/nft", "nft", command, nullptr);
    ::_exit(127);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

TEST_F(FirewallTable, NoticesWhenSomeoneTampersWithIt) {
  ASSERT_TRUE(firewall_->verify());
  for (const auto* command :
       {"insert rule inet deployclaw host iifname \"dca*\" accept",
        "flush chain inet deployclaw transit", "delete chain inet deployclaw steer",
        "add table inet deployclaw { flags dormant; }", "delete table inet deployclaw",
        "flush ruleset"}) {
    if (run_nft_program(command) != 0) {
      // A chain with rules cannot be deleted: nothing was changed then.
      EXPECT_TRUE(firewall_->verify()) << command;
      continue;
    }
    EXPECT_FALSE(firewall_->verify()) << command;
    ASSERT_TRUE(firewall_->load());
    EXPECT_TRUE(firewall_->verify());
  }
}

TEST_F(FirewallTable, NoticesAnAlteredMatchBehindAnUnalteredName) {
  ASSERT_EQ(run_nft_program("flush chain inet deployclaw transit"), 0);
  ASSERT_EQ(run_nft_program("add rule inet deployclaw transit iifname \"nobody\" counter name "
                            "forwarded drop comment \"from agents\""),
            0);
  ASSERT_EQ(run_nft_program("add rule inet deployclaw transit oifname \"nobody\" counter name "
                            "forwarded drop comment \"to agents\""),
            0);
  const auto verified = firewall_->verify();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::kCorrupt);
}

TEST_F(FirewallTable, TwoPlatformsDoNotDisturbEachOther) {
  auto other = config_;
  other.names = NetworkNames::for_instance("two").value();
  Firewall second(other);
  ASSERT_TRUE(second.load());
  EXPECT_THAT(second.list_agents().value(), IsEmpty());
  ASSERT_TRUE(second.add_agent({"dcitwo-2", mallory_address_}));
  EXPECT_EQ(firewall_->list_agents().value().size(), 2U);
  ASSERT_TRUE(second.unload());
  EXPECT_TRUE(firewall_->verify());
}

}  // namespace
}  // namespace deployclaw::linux
