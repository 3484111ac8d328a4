#include "dns/host_name.hpp"

#include <gtest/gtest.h>

namespace deployclaw::dns {
namespace {

TEST(HostName, IsLowerCaseWithoutItsFinalDot) {
  EXPECT_EQ(canonical_host("API.Example.COM."), "api.example.com");
  EXPECT_EQ(canonical_host("localhost"), "localhost");
  EXPECT_EQ(canonical_host("_dmarc.example.com"), "_dmarc.example.com");
  EXPECT_EQ(canonical_host("xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(canonical_host("1.2.3.4.example"), "1.2.3.4.example");
}

TEST(HostName, RefusesWhatIsNone) {
  const std::string label63(63, 'a');
  for (const std::string& bad :
       {std::string(""), std::string("."), std::string(".a"), std::string("a..b"),
        std::string("a.."), std::string("-a.example"), std::string("a-.example"),
        std::string("a b.example"), std::string("a/b.example"), std::string("a@b.example"),
        std::string("a%2eb.example"),
        std::string("b\xC3\xBC"
                    "cher.example"),
        std::string("a\0b.example", 11), std::string("a:443"), std::string("[::1]"),
        std::string("*.example.com"), label63 + "a.example",
        label63 + "." + label63 + "." + label63 + "." + label63}) {
    EXPECT_EQ(canonical_host(bad), std::nullopt) << bad;
  }
  EXPECT_TRUE(canonical_host(label63 + "." + label63 + "." + label63 + "." + label63.substr(2)));
}

TEST(HostName, RefusesAddressesInEveryDisguise) {
  for (const auto* disguise :
       {"127.0.0.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "017700000001", "127.1",
        "example.1", "example.0x", "example.0xa9fe", "169.254.169.254."}) {
    EXPECT_EQ(canonical_host(disguise), std::nullopt) << disguise;
  }
  EXPECT_TRUE(canonical_host("example.0xyz"));
  EXPECT_TRUE(canonical_host("10.example"));
}

TEST(HostName, TellsNamesThatAreNeverResolved) {
  for (const auto* never : {"localhost", "a.localhost", "localhost.localdomain", "x.invalid",
                            "abc.onion", "4.3.2.1.in-addr.arpa"}) {
    EXPECT_TRUE(is_never_resolved(never)) << never;
  }
  for (const auto* fine : {"notlocalhost", "localhost.example", "onion.example", "localdomain"}) {
    EXPECT_FALSE(is_never_resolved(fine)) << fine;
  }
}

}  // namespace
}  // namespace deployclaw::dns
