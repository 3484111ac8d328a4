#include "dns/global_address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>

namespace deployclaw::dns {
namespace {

Address make(const std::string& text) { return boost::asio::ip::make_address(text); }

TEST(GlobalAddress, KnowsEverySpecialPurpose) {
  struct Case {
    const char* address;
    const char* why;
  };
  const std::vector<Case> cases = {
      {"0.0.0.0", "unspecified"},
      {"0.1.2.3", "unspecified"},
      {"10.0.0.1", "private"},
      {"10.255.255.255", "private"},
      {"100.64.0.1", "shared"},
      {"100.127.255.255", "shared"},
      {"100.100.100.200", "shared"},
      {"127.0.0.1", "loopback"},
      {"127.255.0.1", "loopback"},
      {"168.63.129.16", "metadata"},
      {"169.254.0.1", "link-local"},
      {"169.254.169.254", "metadata"},
      {"172.16.0.1", "private"},
      {"172.31.255.255", "private"},
      {"192.0.0.1", "protocol-assigned"},
      {"192.0.0.192", "protocol-assigned"},
      {"192.0.2.1", "documentation"},
      {"192.88.99.1", "6to4 relay"},
      {"192.168.1.1", "private"},
      {"198.18.0.1", "benchmarking"},
      {"198.19.255.255", "benchmarking"},
      {"198.51.100.1", "documentation"},
      {"203.0.113.1", "documentation"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.250", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.254", "reserved"},
      {"255.255.255.255", "broadcast"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::127.0.0.1", "loopback"},
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:10.0.0.1", "private"},
      {"::ffff:a9fe:a9fe", "metadata"},
      {"::10.0.0.1", "private"},
      {"64:ff9b::10.0.0.1", "private"},
      {"64:ff9b::a9fe:a9fe", "metadata"},
      {"64:ff9b:1::1", "local translation"},
      {"64:ff9b:1:ffff:ffff::", "local translation"},
      {"64:ff9b:0:1::8.8.8.8", "reserved"},
      {"100::1", "discard"},
      {"100:0:0:1::1", "dummy"},
      {"2001::1", "Teredo"},
      {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"},
      {"2001:2::1", "protocol-assigned"},
      {"2001:10::1", "protocol-assigned"},
      {"2001:1ff:ffff::1", "protocol-assigned"},
      {"2001:db8::1", "documentation"},
      {"2002:7f00:1::", "6to4"},
      {"2002:808:808::1", "6to4"},
      {"3fff::1", "documentation"},
      {"3fff:fff::1", "documentation"},
      {"5f00::1", "segment routing"},
      {"4000::1", "reserved"},
      {"fc00::1", "private"},
      {"fd00:ec2::254", "private"},
      {"fe80::1", "link-local"},
      {"fe80::1%1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "site-local"},
      {"ff02::1", "multicast"},
      {"::ffff:0:8.8.8.8", "reserved"},  // RFC 2765's translated form, long gone
  };
  for (const auto& [address, why] : cases) {
    EXPECT_EQ(special_purpose(make(address)), why) << address;
    EXPECT_FALSE(is_global(make(address))) << address;
  }
}

TEST(GlobalAddress, LetsThePublicInternetThrough) {
  for (const auto* address : {"1.1.1.1",
                              "8.8.8.8",
                              "9.255.255.255",
                              "11.0.0.0",
                              "100.63.255.255",
                              "100.128.0.0",
                              "126.255.255.255",
                              "128.0.0.0",
                              "168.63.129.15",
                              "169.253.255.255",
                              "169.255.0.0",
                              "172.15.255.255",
                              "172.32.0.0",
                              "192.0.1.0",
                              "192.0.3.0",
                              "192.167.255.255",
                              "192.169.0.0",
                              "198.17.255.255",
                              "198.20.0.0",
                              "203.0.112.255",
                              "203.0.114.0",
                              "223.255.255.255",
                              "2606:4700::1111",
                              "2001:200::1",
                              "2001:4860:4860::8888",
                              "2003::1",
                              "2a00:1450::1",
                              "3ffe::1",
                              "3fff:1000::1",
                              "::ffff:8.8.8.8",
                              "64:ff9b::8.8.8.8"}) {
    EXPECT_EQ(special_purpose(make(address)), std::nullopt) << address;
  }
}

// An oracle of another make: compares dotted quads as numbers.
bool is_special4(std::uint32_t a) {
  const auto in = [a](const char* first, const char* last) {
    return a >= ntohl(inet_addr(first)) && a <= ntohl(inet_addr(last));
  };
  return in("0.0.0.0", "0.255.255.255") || in("10.0.0.0", "10.255.255.255") ||
         in("100.64.0.0", "100.127.255.255") || in("127.0.0.0", "127.255.255.255") ||
         in("168.63.129.16", "168.63.129.16") || in("169.254.0.0", "169.254.255.255") ||
         in("172.16.0.0", "172.31.255.255") || in("192.0.0.0", "192.0.0.255") ||
         in("192.0.2.0", "192.0.2.255") || in("192.88.99.0", "192.88.99.255") ||
         in("192.168.0.0", "192.168.255.255") || in("198.18.0.0", "198.19.255.255") ||
         in("198.51.100.0", "198.51.100.255") || in("203.0.113.0", "203.0.113.255") ||
         a >= 0xE0000000;
}

std::string prefixed(const std::string& prefix, std::uint32_t address) {
  return prefix + boost::asio::ip::address_v4(address).to_string();
}

TEST(GlobalAddress, JudgesEveryWayToWriteAnIpv4AddressAlike) {
  std::mt19937 random(11);
  std::vector<std::uint32_t> samples;
  for (int i = 0; i < 20'000; ++i) samples.push_back(static_cast<std::uint32_t>(random()));
  for (std::uint32_t high = 0; high < 0x10000; ++high) {  // both ends of every /16
    samples.push_back(high << 16);
    samples.push_back(high << 16 | 0xFFFF);
  }
  for (const auto sample : samples) {
    const bool global = !is_special4(sample);
    ASSERT_EQ(is_global(boost::asio::ip::address_v4(sample)), global) << std::hex << sample;
  }
  for (std::size_t i = 0; i < samples.size(); i += 7) {
    if (samples[i] < 2) continue;  // :: and ::1 are addresses of their own
    const bool global = !is_special4(samples[i]);
    for (const auto* form : {"::ffff:", "::", "64:ff9b::"}) {
      ASSERT_EQ(is_global(make(prefixed(form, samples[i]))), global) << form << samples[i];
    }
  }
}

TEST(GlobalAddress, HasNoGlobalIpv6OutsideGlobalUnicast) {
  std::mt19937 random(13);
  for (int i = 0; i < 20'000; ++i) {
    boost::asio::ip::address_v6::bytes_type bytes;
    for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
    const bool unicast = bytes[0] >= 0x20 && bytes[0] <= 0x3F;
    const bool low = bytes[0] == 0;  // forms with an IPv4 address inside
    if (!unicast && !low) {
      ASSERT_FALSE(is_global(boost::asio::ip::address_v6(bytes)));
    }
  }
}

TEST(ParseAddress, TakesOneFormOnly) {
  EXPECT_EQ(parse_address("192.0.2.1"), make("192.0.2.1"));
  EXPECT_EQ(parse_address("2001:DB8::1"), make("2001:db8::1"));
  for (const std::string_view bad :
       {std::string_view("010.0.0.1"), std::string_view("0x7f.0.0.1"), std::string_view("127.1"),
        std::string_view("2130706433"), std::string_view("[::1]"), std::string_view("fe80::1%lo"),
        std::string_view("1.2.3.4\0x", 9), std::string_view(""), std::string_view(" 1.2.3.4"),
        std::string_view("1.2.3.4.")}) {
    EXPECT_EQ(parse_address(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace deployclaw::dns
