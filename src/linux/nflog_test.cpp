#include "linux/nflog.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <map>

#include "base/encoding.hpp"
#include "linux/netlink.hpp"
#include "linux/nftables.hpp"
#include "linux/route_socket.hpp"
#include "linux/testing/network_sandbox.hpp"

namespace deployclaw::linux {
namespace {

using testing::NetworkSandbox;
using namespace std::chrono_literals;

Bytes bytes(const std::string& hex) { return hex_decode(hex).value(); }

// 10.231.0.2:1234 → 8.8.8.8:53, protocol in the tenth byte.
std::string ipv4(const std::string& protocol, const std::string& fragment = "0000") {
  return "4500001c0001" + fragment + "40" + protocol + "0000" + "0ae70002" + "08080808";
}
const std::string kPorts = "04d20035";

// fd00::2 → 2001:db8::1.
std::string ipv6(const std::string& next) {
  return "600000000008" + next + "40" + "fd000000000000000000000000000002" +
         "20010db8000000000000000000000001";
}

TEST(ReadPacket, FindsAddressesAndPorts) {
  for (const auto& [protocol, number] : std::map<std::string, int>{{"06", 6}, {"11", 17}}) {
    const auto packet = read_packet(bytes(ipv4(protocol) + kPorts));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->source.to_string(), "10.231.0.2");
    EXPECT_EQ(packet->destination.to_string(), "8.8.8.8");
    EXPECT_EQ(packet->protocol, number);
    EXPECT_EQ(packet->source_port, 1234);
    EXPECT_EQ(packet->destination_port, 53);
  }
  const auto packet = read_packet(bytes(ipv6("11") + kPorts));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->source.to_string(), "fd00::2");
  EXPECT_EQ(packet->destination.to_string(), "2001:db8::1");
  EXPECT_EQ(packet->destination_port, 53);
}

TEST(ReadPacket, FindsNoPortsWhereThereAreNone) {
  for (const auto& hex : {ipv4("01") + kPorts,          // ICMP
                          ipv4("11", "0001") + kPorts,  // a later fragment
                          ipv4("11") + "04d200",        // cut off
                          "4f" + ipv4("11").substr(2),  // options beyond the end
                          ipv6("3a") + kPorts,          // ICMPv6
                          ipv6("2c") + "1100000900000001" + kPorts}) {
    const auto packet = read_packet(bytes(hex));
    ASSERT_TRUE(packet) << hex;
    EXPECT_EQ(packet->destination_port, 0) << hex;
    EXPECT_EQ(packet->source_port, 0) << hex;
  }
}

TEST(ReadPacket, LooksBehindOptionsAndExtensionHeaders) {
  const auto with_options = read_packet(bytes("46" + ipv4("11").substr(2) + "01010101" + kPorts));
  ASSERT_TRUE(with_options);
  EXPECT_EQ(with_options->destination_port, 53);
  const auto extended = read_packet(
      bytes(ipv6("00") + "3c00000000000000" + "2c00000000000000" + "1100000100000001" + kPorts));
  ASSERT_TRUE(extended);
  EXPECT_EQ(extended->protocol, 17);
  EXPECT_EQ(extended->destination_port, 53);
}

TEST(ReadPacket, RefusesWhatIsNone) {
  for (const std::string& hex :
       {std::string(), std::string("45"), ipv4("11").substr(0, 38), "44" + ipv4("11").substr(2),
        ipv6("11").substr(0, 78), std::string("00000000"), std::string("ff")}) {
    EXPECT_FALSE(read_packet(bytes(hex))) << hex;
  }
}

TEST(ReadPacket, CutAnywhereTellsTheTruthOrNothing) {
  for (const auto& hex : {ipv4("06") + kPorts, ipv6("3c") + "1100000000000000" + kPorts}) {
    const auto all = bytes(hex);
    const auto whole = read_packet(all).value();
    for (std::size_t size = 0; size < all.size(); ++size) {
      const auto cut = read_packet(std::span(all).first(size));
      if (!cut) continue;
      EXPECT_EQ(cut->destination, whole.destination);
      EXPECT_TRUE(cut->destination_port == 0 || cut->destination_port == whole.destination_port);
    }
  }
}

// Below: little-endian netlink as this machine's kernel writes it.
TEST(ReadLogDatagram, BelievesNoLengthBeyondTheEnd) {
  for (const auto* length : {"ffffffff", "00000080", "15000000", "0f000000", "00000000"}) {
    EXPECT_TRUE(
        read_log_datagram(bytes(length + std::string("00040000") + "0000000000000000" + "02000c51"))
            .empty());
  }
}

TEST(ReadLogDatagram, FindsThePacketsOfTheLogAndNothingElse) {
  const std::string body = "02000c51";  // nfgenmsg
  const std::string device =
      "08000400"
      "00000007";  // index 7
  const std::string prefix =
      "09000a00"
      "686f737400"
      "000000";  // "host"
  const std::string packet = "1c000900" + ipv4("11") + kPorts;
  const std::string message =
      "44000000"
      "0004"
      "0000"
      "00000000"
      "00000000" +
      body + device + prefix + packet;
  const auto other =
      "14000000"
      "0204"
      "0000"
      "00000000"
      "00000000" +
      body;
  const auto found = read_log_datagram(bytes(message + other + message));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].in_interface, 7U);
  EXPECT_EQ(found[0].prefix, "host");
  EXPECT_EQ(found[0].packet.destination_port, 53);
  for (std::size_t size = 0; size < message.size(); size += 2) {
    EXPECT_TRUE(read_log_datagram(bytes(message.substr(0, size))).empty()) << size;
  }
}

class DropLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!NetworkSandbox::possible()) GTEST_SKIP() << "needs root";
    sandbox_ = std::make_unique<NetworkSandbox>();
    config_.names = NetworkNames::for_instance("").value();
    config_.gateway = gateway_;
    config_.logs_per_second = 5;
    firewall_ = std::make_unique<Firewall>(config_);
    const auto loaded = firewall_->load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_TRUE(ensure_gateway("dcgw0", gateway_));
    mallory_ = join("dca2", Ipv4(0x0AE70002));
    neighbour_ = join("dca3", Ipv4(0x0AE70003));
    auto log = DropLog::open(io_.get_executor(), config_.log_group);
    ASSERT_TRUE(log) << log.error().message;
    log_ = std::make_unique<DropLog>(std::move(*log));
  }
  pid_t join(const std::string& name, Ipv4 address) {
    const auto pid = sandbox_->make_agent();
    EXPECT_TRUE(firewall_->add_agent({name, address}));
    EXPECT_TRUE(attach_agent({.name = name, .pid = pid, .address = address, .gateway = gateway_}));
    return pid;
  }
  void send(pid_t agent, const char* address, std::uint16_t port, int times = 1) {
    sandbox_->inside(agent, [&] {
      const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      sockaddr_in name{};
      name.sin_family = AF_INET;
      name.sin_port = htons(port);
      ::inet_pton(AF_INET, address, &name.sin_addr);
      for (int i = 0; i < times; ++i) {
        ::sendto(socket.get(), "secret", 6, 0, reinterpret_cast<const sockaddr*>(&name),
                 sizeof name);
      }
    });
  }
  static Task<void> collect(DropLog& log, std::vector<DroppedPacket>& out) {
    for (;;) {
      auto packets = co_await log.next();
      if (!packets) co_return;
      out.insert(out.end(), packets->begin(), packets->end());
    }
  }
  // What was logged until `enough` were, or for two seconds.
  std::vector<DroppedPacket> logged(std::size_t enough = 1000) {
    std::vector<DroppedPacket> all;
    {
      TaskGroup tasks(io_.get_executor());
      tasks.spawn("log", collect(*log_, all));
      const auto end = std::chrono::steady_clock::now() + (enough < 1000 ? 10s : 2s);
      while (all.size() < enough && std::chrono::steady_clock::now() < end) {
        io_.restart();
        io_.run_for(20ms);
      }
      tasks.cancel();
      io_.restart();
      io_.run_for(20ms);
    }
    return all;
  }

  const Ipv4 gateway_{0x0AE70001};
  FirewallConfig config_;
  boost::asio::io_context io_;
  std::unique_ptr<NetworkSandbox> sandbox_;
  std::unique_ptr<Firewall> firewall_;
  std::unique_ptr<DropLog> log_;
  pid_t mallory_ = 0;
  pid_t neighbour_ = 0;
};

std::string told(const DroppedPacket& dropped) {
  return dropped.reason + " " + dropped.interface + " " + dropped.packet.source.to_string() +
         " > " + dropped.packet.destination.to_string() + ":" +
         std::to_string(dropped.packet.destination_port);
}

TEST_F(DropLogTest, TellsOfDropsOfEachReasonWithTheirInterface) {
  send(mallory_, "10.231.0.1", 9999);
  EXPECT_THAT(told(logged(1).at(0)), "host dca2 10.231.0.2 > 10.231.0.1:9999");
  ASSERT_TRUE(write_small_file("/proc/sys/net/ipv4/ip_forward", "0"));
  ASSERT_TRUE(write_small_file("/proc/sys/net/ipv4/ip_forward", "1"));
  send(mallory_, "10.231.0.3", 443);
  EXPECT_THAT(told(logged(1).at(0)), "forwarded dca2 10.231.0.2 > 10.231.0.3:443");
  ASSERT_TRUE(firewall_->remove_agent("dca3"));
  send(neighbour_, "10.231.0.1", 53);
  EXPECT_THAT(told(logged(1).at(0)), "spoofed dca3 10.231.0.3 > 10.231.0.1:53");
}

TEST_F(DropLogTest, AFloodOfOneAgentHidesNothingOfAnother) {
  send(mallory_, "10.231.0.1", 1, 500);
  send(neighbour_, "10.231.0.1", 2);
  std::map<std::string, int> of;
  for (const auto& dropped : logged()) ++of[dropped.interface];
  EXPECT_GE(of["dca2"], 1);
  EXPECT_LT(of["dca2"], 100) << "limited";
  EXPECT_EQ(of["dca3"], 1);
  // The drops themselves go on without limit, as the counter shows.
  EXPECT_GE(firewall_->counters().value().host, 501U);
  EXPECT_TRUE(firewall_->verify()) << "limits in use leave the table as it was";
}

TEST_F(DropLogTest, HasOneListener) {
  const auto second = DropLog::open(io_.get_executor(), config_.log_group);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kForbidden) << second.error().message;
}

}  // namespace
}  // namespace deployclaw::linux
