#include "linux/address_pool.hpp"

#include <gmock/gmock.h>

#include "linux/network_names.hpp"

namespace deployclaw::linux {
namespace {

Ipv4 ip(std::string_view text) { return parse_ipv4(text).value(); }

TEST(AddressPool, GivesAddressesAfterTheGatewayAndNeverTheEdges) {
  const auto pool = AddressPool::parse("10.231.0.0/29").value();
  EXPECT_EQ(pool.gateway(), ip("10.231.0.1"));
  EXPECT_EQ(pool.capacity(), 5U);
  std::set<Ipv4> used;
  for (int i = 0; i < 5; ++i) {
    const auto address = pool.allocate(used);
    ASSERT_TRUE(address);
    EXPECT_TRUE(pool.contains(*address));
    EXPECT_TRUE(used.insert(*address).second);
  }
  EXPECT_EQ(*used.begin(), ip("10.231.0.2"));
  EXPECT_EQ(*used.rbegin(), ip("10.231.0.6"));
  const auto full = pool.allocate(used);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kUnavailable);
  EXPECT_FALSE(pool.contains(ip("10.231.0.0")));
  EXPECT_FALSE(pool.contains(ip("10.231.0.1")));
  EXPECT_FALSE(pool.contains(ip("10.231.0.7")));
  EXPECT_FALSE(pool.contains(ip("10.230.255.255")));
  EXPECT_FALSE(pool.contains(ip("10.231.0.8")));
}

TEST(AddressPool, GoesOnAfterTheLastOneAndWraps) {
  const auto pool = AddressPool::parse("10.231.0.0/29").value();
  EXPECT_EQ(pool.allocate({}, ip("10.231.0.3")).value(), ip("10.231.0.4"));
  EXPECT_EQ(pool.allocate({ip("10.231.0.4")}, ip("10.231.0.3")).value(), ip("10.231.0.5"));
  EXPECT_EQ(pool.allocate({}, ip("10.231.0.6")).value(), ip("10.231.0.2"));
  EXPECT_EQ(pool.allocate({}, ip("192.168.0.1")).value(), ip("10.231.0.2"));
}

TEST(AddressPool, NumbersItsAddresses) {
  const auto pool = AddressPool::parse("10.231.0.0/16").value();
  EXPECT_EQ(pool.offset(ip("10.231.0.2")), 2U);
  EXPECT_EQ(pool.offset(ip("10.231.255.254")), 65534U);
}

TEST(AddressPool, RefusesWhatIsNotAPrivateRange) {
  for (const auto* cidr :
       {"", "10.231.0.0", "10.231.0.0/", "10.231.0.0/7", "10.231.0.0/31", "10.231.0.1/16",
        "10.231.0.0/16 ", "10.231.0/16", "8.8.8.0/24", "fd00::/64", "10.231.0.0/+16",
        "172.32.0.0/16", "010.231.0.0/16", "10.231.0.0/016", "169.254.0.0/16"}) {
    EXPECT_FALSE(AddressPool::parse(cidr)) << cidr;
  }
  for (const auto* cidr : {"10.0.0.0/8", "172.31.0.0/16", "192.168.7.0/24", "100.64.0.0/10"}) {
    EXPECT_TRUE(AddressPool::parse(cidr)) << cidr;
  }
}

TEST(NetworkNames, AreShortAndNoPrefixCoversAnother) {
  const auto alone = NetworkNames::for_instance("").value();
  EXPECT_EQ(alone.table, "deployclaw");
  EXPECT_EQ(alone.interface(7), "dca7");
  const auto longest = NetworkNames::for_instance("abcdef").value();
  EXPECT_EQ(longest.table, "deployclaw_abcdef");
  EXPECT_EQ(longest.interface(99999), "dciabcdef-99999");
  EXPECT_LE(longest.interface(99999).size(), 15U);
  const auto shorter = NetworkNames::for_instance("abc").value();
  EXPECT_FALSE(longest.interface_prefix.starts_with(shorter.interface_prefix));
  EXPECT_FALSE(shorter.interface_prefix.starts_with(alone.interface_prefix));
  EXPECT_FALSE(longest.gateway_device.starts_with(longest.interface_prefix));
  for (const auto* bad : {"abcdefg", "A", "a b", "a-b", "a\"b", "ä"}) {
    EXPECT_FALSE(NetworkNames::for_instance(bad)) << bad;
  }
}

TEST(NetworkNames, ReadOnlyTheirOwnNumbers) {
  const auto names = NetworkNames::for_instance("").value();
  EXPECT_EQ(names.number_of("dca7"), 7U);
  for (const auto* bad : {"dca", "dca0", "dca07", "dca100000", "dca7x", "eth0", "dcgw0", "dca-7"}) {
    EXPECT_EQ(names.number_of(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace deployclaw::linux
