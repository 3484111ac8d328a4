#include "linux/netlink.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "linux/file.hpp"
#include "linux/testing/network_sandbox.hpp"

namespace deployclaw::linux {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using testing::NetworkSandbox;

class Netlink : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!NetworkSandbox::possible()) GTEST_SKIP() << "needs root";
    sandbox_ = std::make_unique<NetworkSandbox>();
    ASSERT_TRUE(ensure_gateway("dcgw0", gateway_));
  }
  AgentLink link(pid_t pid, std::uint32_t number) const {
    return {.name = "dca" + std::to_string(number),
            .pid = pid,
            .address = Ipv4(0x0AE70000 + number),
            .gateway = gateway_};
  }
  std::string inside(pid_t pid, const std::string& path) {
    std::string text;
    sandbox_->inside(pid, [&] { text = read_small_file(path).value_or("absent"); });
    return text;
  }

  const Ipv4 gateway_{0x0AE70001};
  std::unique_ptr<NetworkSandbox> sandbox_;
};

TEST_F(Netlink, MakesTheGatewayOnceAndRemovesIt) {
  EXPECT_TRUE(ensure_gateway("dcgw0", gateway_));
  EXPECT_THAT(list_links("dcgw0").value(), ::testing::Contains(Field(&LinkInfo::name, "dcgw0")));
  EXPECT_TRUE(remove_gateway("dcgw0"));
  EXPECT_TRUE(remove_gateway("dcgw0"));
  EXPECT_THAT(list_links("dcgw0").value(), IsEmpty());
}

TEST_F(Netlink, WiresAnAgentAndDoingItAgainChangesNothing) {
  const auto agent = link(sandbox_->make_agent(), 2);
  EXPECT_FALSE(is_attached(agent).value());
  const auto attached = attach_agent(agent);
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_TRUE(is_attached(agent).value());
  const auto first = list_links("dca").value();
  ASSERT_THAT(first, ElementsAre(Field(&LinkInfo::name, "dca2")));
  EXPECT_TRUE(first[0].up);
  ASSERT_TRUE(attach_agent(agent));
  EXPECT_EQ(list_links("dca").value()[0].index, first[0].index);
  // The default route is what an agent's init waits for: eth0, destination 0, via the gateway.
  EXPECT_THAT(inside(agent.pid, "/proc/thread-self/net/route"),
              ::testing::ContainsRegex("eth0\t00000000\t0100E70A\t"));
}

TEST_F(Netlink, TurnsIpv6AndForwardingOff) {
  const auto agent = link(sandbox_->make_agent(), 2);
  ASSERT_TRUE(attach_agent(agent));
  const std::string ipv6 = "/proc/sys/net/ipv6/conf/";
  for (const auto* scope : {"all", "default", "eth0"}) {
    EXPECT_EQ(inside(agent.pid, ipv6 + scope + "/disable_ipv6"), "1\n") << scope;
  }
  EXPECT_EQ(read_small_file(ipv6 + "dca2/disable_ipv6").value(), "1\n");
  EXPECT_EQ(read_small_file("/proc/sys/net/ipv4/conf/dca2/forwarding").value(), "0\n");
  EXPECT_EQ(read_small_file("/proc/sys/net/ipv4/conf/dca2/rp_filter").value(), "1\n");
}

TEST_F(Netlink, RewiresAfterTheContainerWasReplaced) {
  const auto first = sandbox_->make_agent();
  ASSERT_TRUE(attach_agent(link(first, 2)));
  const auto second = sandbox_->make_agent();
  EXPECT_FALSE(is_attached(link(second, 2)).value());
  ASSERT_TRUE(attach_agent(link(second, 2)));
  EXPECT_TRUE(is_attached(link(second, 2)).value());
  EXPECT_FALSE(is_attached(link(first, 2)).value());
  EXPECT_EQ(list_links("dca").value().size(), 1U);
}

TEST_F(Netlink, RewiresWhenTheAddressChanged) {
  const auto pid = sandbox_->make_agent();
  ASSERT_TRUE(attach_agent(link(pid, 2)));
  auto moved = link(pid, 2);
  moved.address = Ipv4(0x0AE70009);
  EXPECT_FALSE(is_attached(moved).value());
  ASSERT_TRUE(attach_agent(moved));
  EXPECT_TRUE(is_attached(moved).value());
}

TEST_F(Netlink, TakesAnInterfaceAwayFromTheNameItHadBefore) {
  const auto pid = sandbox_->make_agent();
  ASSERT_TRUE(attach_agent(link(pid, 2)));
  ASSERT_TRUE(attach_agent(link(pid, 3)));
  EXPECT_THAT(list_links("dca").value(), ElementsAre(Field(&LinkInfo::name, "dca3")));
}

TEST_F(Netlink, DetachesAndAbsentIsFine) {
  const auto agent = link(sandbox_->make_agent(), 2);
  ASSERT_TRUE(attach_agent(agent));
  EXPECT_TRUE(detach_agent("dca2"));
  EXPECT_TRUE(detach_agent("dca2"));
  EXPECT_FALSE(is_attached(agent).value());
  EXPECT_THAT(list_links("dca").value(), IsEmpty());
}

TEST_F(Netlink, RefusesItsOwnNamespaceAndDeadProcesses) {
  const auto own = attach_agent(link(::getpid(), 2));
  // The main thread of this test program was moved, so /proc/<pid> is the make-believe host.
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().code, Code::kConflict);
  const auto pid = sandbox_->make_agent();
  sandbox_->kill_agent(pid);
  const auto dead = attach_agent(link(pid, 2));
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error().code, Code::kNotFound);
  EXPECT_FALSE(is_attached(link(pid, 2)).value());
  EXPECT_FALSE(attach_agent(link(0, 2)));
}

TEST_F(Netlink, RefusesNamesThatLeadOutOfTheirPlace) {
  auto agent = link(sandbox_->make_agent(), 2);
  for (const auto* name : {"", "../all", "a/b", "sixteen-bytes-xx", "dca%d"}) {
    agent.name = name;
    const auto attached = attach_agent(agent);
    ASSERT_FALSE(attached) << name;
    EXPECT_EQ(attached.error().code, Code::kInvalid);
  }
}

}  // namespace
}  // namespace deployclaw::linux
