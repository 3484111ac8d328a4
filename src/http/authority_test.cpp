#include "http/authority.hpp"

#include <gtest/gtest.h>

namespace deployclaw::http {
namespace {

TEST(ParseAuthority, HasOneSpellingForAHost) {
  for (const char* text : {"api.example.com", "API.Example.COM", "api.example.com."}) {
    const auto read = parse_authority(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->host, "api.example.com") << text;
    EXPECT_FALSE(read->port) << text;
  }
  const auto read = parse_authority("Example.com.:8443");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->host, "example.com");
  EXPECT_EQ(read->port_or(443), 8443);
  EXPECT_EQ(parse_authority("xn--bcher-kva.example")->host, "xn--bcher-kva.example");
}

TEST(ParseAuthority, RefusesWhatIsNoName) {
  for (const char* bad :
       {"", ".", "..", "a..b", ".a", "a b", "user@example.com", "a:b@example.com", "ex_ample.com",
        "b\xc3\xbc"
        "cher.example",
        "example.com/", "example.com?", "example.com#", "ex%61mple.com", "-a.com", "a-.com",
        "example\xe3\x80\x82"
        "com",
        "a\\b.com", "*.example.com"}) {
    const auto read = parse_authority(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, Code::kMalformed) << bad;
    EXPECT_FALSE(read.error().public_detail.empty()) << bad;
  }
  EXPECT_FALSE(parse_authority(std::string_view("a\0.com", 6)));
  EXPECT_FALSE(parse_authority(std::string(64, 'a') + ".com"));
  EXPECT_TRUE(parse_authority(std::string(63, 'a') + ".com"));
  std::string longest;
  for (int i = 0; i < 4; ++i) longest += std::string(62, 'a') + ".";
  EXPECT_TRUE(parse_authority(longest + "a"));
  EXPECT_FALSE(parse_authority(longest + "aa"));
}

TEST(ParseAuthority, RefusesBadPorts) {
  for (const char* bad : {"a.com:", "a.com:0", "a.com:080", "a.com:+80", "a.com:65536",
                          "a.com:100000", "a.com:8o", "a.com: 80", "a.com:80:80", "a.com:-1"}) {
    EXPECT_FALSE(parse_authority(bad)) << bad;
  }
  EXPECT_EQ(parse_authority("a.com:65535")->port, 65535);
}

TEST(ParseAuthority, RefusesAddressesInAnySpelling) {
  for (const char* bad :
       {"127.0.0.1", "127.0.0.1:80", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1",
        "a.0x1f", "1.2.3.4.", "[::1]", "[::1]:80", "[::ffff:127.0.0.1]", "::1", "0x"}) {
    EXPECT_FALSE(parse_authority(bad)) << bad;
  }
}

TEST(ParseAuthority, ReadsAddressesWhenAsked) {
  const auto four = parse_authority("192.0.2.1:80", Addresses::kAccept);
  ASSERT_TRUE(four);
  EXPECT_EQ(four->host, "192.0.2.1");
  EXPECT_TRUE(four->is_address);
  const auto six = parse_authority("[2001:DB8:0::1]:443", Addresses::kAccept);
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "2001:db8::1");
  EXPECT_EQ(six->port, 443);
  for (const char* bad : {"127.1", "0177.0.0.1", "2130706433", "[::1", "[fe80::1%eth0]", "[]",
                          "[::1]80", "::1", "1.2.3.256"}) {
    EXPECT_FALSE(parse_authority(bad, Addresses::kAccept)) << bad;
  }
}

}  // namespace
}  // namespace deployclaw::http
