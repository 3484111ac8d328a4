#include "dns/synthetic_addresses.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace deployclaw::dns {
namespace {

using Ipv4 = boost::asio::ip::address_v4;

std::string name(int i) { return "h" + std::to_string(i) + ".example"; }

TEST(SyntheticAddresses, LeadFromNameToAddressAndBack) {
  SyntheticAddresses addresses;
  const auto api = addresses.address_of("api.example.com");
  const auto files = addresses.address_of("files.example.com");
  EXPECT_NE(api, files);
  EXPECT_TRUE(SyntheticAddresses::is_synthetic(api));
  EXPECT_EQ(addresses.address_of("api.example.com"), api);
  EXPECT_EQ(addresses.host_of(api), "api.example.com");
  EXPECT_EQ(addresses.host_of(files), "files.example.com");
  EXPECT_EQ(addresses.host_of(Ipv4(0xC6130000)), std::nullopt);
  EXPECT_EQ(addresses.host_of(Ipv4(0x08080808)), std::nullopt);
}

TEST(SyntheticAddresses, TheRangeEndsWhereItsNeighboursBegin) {
  EXPECT_FALSE(SyntheticAddresses::is_synthetic(Ipv4(0xC611FFFF)));
  EXPECT_TRUE(SyntheticAddresses::is_synthetic(Ipv4(0xC6120000)));
  EXPECT_TRUE(SyntheticAddresses::is_synthetic(Ipv4(0xC613FFFF)));
  EXPECT_FALSE(SyntheticAddresses::is_synthetic(Ipv4(0xC6140000)));
}

TEST(SyntheticAddresses, ForgetTheLeastRecentlyUsedName) {
  SyntheticAddresses addresses(2);
  const auto one = addresses.address_of("one.example");
  const auto two = addresses.address_of("two.example");
  EXPECT_EQ(addresses.host_of(one), "one.example");  // a connection is a use
  const auto three = addresses.address_of("three.example");
  EXPECT_EQ(addresses.host_of(two), std::nullopt);
  EXPECT_EQ(addresses.host_of(one), "one.example");
  EXPECT_EQ(addresses.host_of(three), "three.example");
  EXPECT_EQ(addresses.size(), 2U);
}

TEST(SyntheticAddresses, GiveATakenAddressAgainOnlyAfterAllOthers) {
  SyntheticAddresses addresses(1);
  std::set<Ipv4> given;
  constexpr std::size_t kUsable = (1U << 17) - 2;
  for (std::size_t i = 0; i < kUsable; ++i) {
    const auto address = addresses.address_of(name(static_cast<int>(i)));
    ASSERT_TRUE(given.insert(address).second) << i;
    ASSERT_NE(address, Ipv4(0xC6120000));
    ASSERT_NE(address, Ipv4(0xC613FFFF));
  }
  EXPECT_FALSE(given.insert(addresses.address_of("once.more")).second);
}

TEST(SyntheticAddresses, HoldAsManyAsTheyMay) {
  SyntheticAddresses addresses(1'000'000);
  EXPECT_EQ(addresses.capacity(), SyntheticAddresses::kMaxCapacity);
  for (int i = 0; i < 70'000; ++i) addresses.address_of(name(i));
  EXPECT_EQ(addresses.size(), SyntheticAddresses::kMaxCapacity);
  EXPECT_EQ(addresses.host_of(addresses.address_of(name(69'999))), name(69'999));
}

TEST(SyntheticAddresses, OutliveTheirProcess) {
  SyntheticAddresses before(3);
  for (int i = 0; i < 5; ++i) before.address_of(name(i));
  const auto table = before.table();
  SyntheticAddresses after(3);
  after.address_of("something.else");
  after.preload(table);
  EXPECT_EQ(after.table(), table);
  EXPECT_EQ(after.address_of(name(4)), before.address_of(name(4)));
  EXPECT_EQ(after.address_of("new.example"), before.address_of("new.example"));
  EXPECT_EQ(after.table(), before.table());
}

TEST(SyntheticAddresses, LeaveOutWhatATableMustNotHold) {
  SyntheticAddresses addresses(2);
  addresses.preload({.entries = {{"old.example", Ipv4(0xC6120009)},
                                 {"outside.example", Ipv4(0x0A000001)},
                                 {"first.example", Ipv4(0xC6120000)},
                                 {"kept.example", Ipv4(0xC6120001)},
                                 {"same.address", Ipv4(0xC6120001)},
                                 {"kept.example", Ipv4(0xC6120002)},
                                 {"new.example", Ipv4(0xC6120003)}},
                     .next = 0xFFFFFFFF});
  EXPECT_EQ(addresses.table().entries,
            (std::vector<SyntheticEntry>{{"kept.example", Ipv4(0xC6120001)},
                                         {"new.example", Ipv4(0xC6120003)}}));
  EXPECT_EQ(addresses.address_of("another.example"), Ipv4(0xC6120002));
}

// Against the plainest model there is: both directions always agree, and nothing recent is lost.
TEST(SyntheticAddresses, AgreeBothWaysWhateverIsAsked) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    const std::size_t capacity = 1 + random() % 20;
    SyntheticAddresses addresses(capacity);
    std::vector<std::string> recent;  // most recent last
    std::map<std::string, Ipv4> given;
    for (int step = 0; step < 500; ++step) {
      const auto host = name(static_cast<int>(random() % 30));
      const auto address = addresses.address_of(host);
      std::erase(recent, host);
      const bool known = given.contains(host);
      if (known) {
        ASSERT_EQ(given[host], address);
      }
      recent.push_back(host);
      given[host] = address;
      if (recent.size() > capacity) {
        given.erase(recent.front());
        recent.erase(recent.begin());
      }
      std::set<Ipv4> different;
      for (const auto& [other, its] : given) different.insert(its);
      ASSERT_EQ(different.size(), given.size());
      ASSERT_EQ(addresses.size(), given.size());
    }
    for (const auto& [host, address] : given) ASSERT_EQ(addresses.host_of(address), host);
  }
}

}  // namespace
}  // namespace deployclaw::dns
