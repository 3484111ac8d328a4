#include "dns/nameserver.hpp"

#include <gmock/gmock.h>

namespace deployclaw::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Nameserver server(const char* address, std::uint16_t port = 53) {
  return {boost::asio::ip::make_address(address), port};
}

TEST(Nameserver, IsAnAddressWithOrWithoutAPort) {
  for (const auto& [text, expected] : std::vector<std::pair<const char*, Nameserver>>{
           {"192.0.2.1", server("192.0.2.1")},
           {"192.0.2.1:5353", server("192.0.2.1", 5353)},
           {"2001:db8::1", server("2001:db8::1")},
           {"[2001:db8::1]:5353", server("2001:db8::1", 5353)}}) {
    const auto parsed = parse_nameserver(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, expected);
    EXPECT_EQ(parse_nameserver(parsed->to_string()), *parsed);
  }
}

TEST(Nameserver, IsNothingElse) {
  for (const auto* bad : {"", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
                          "192.0.2.1:5a", "[192.0.2.1]:53", "[2001:db8::1]", "fe80::1%eth0",
                          "[fe80::1%eth0]:53", "192.0.2.1 ", ":53"}) {
    const auto parsed = parse_nameserver(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, Code::kInvalid) << bad;
  }
}

TEST(ResolvConf, NamesItsFirstThreeNameservers) {
  EXPECT_THAT(read_resolv_conf("# by hand\n"
                               "search example.com\r\n"
                               "nameserver 192.0.2.1\r\n"
                               ";nameserver 192.0.2.9\n"
                               "  nameserver\t2001:db8::1 # the other\n"
                               "nameserver fe80::1%eth0\n"
                               "nameserver\n"
                               "nameservers 192.0.2.8\n"
                               "nameserver 192.0.2.2\n"
                               "nameserver 192.0.2.3"),
              ElementsAre(server("192.0.2.1"), server("2001:db8::1"), server("192.0.2.2")));
  EXPECT_THAT(read_resolv_conf(""), IsEmpty());
  EXPECT_THAT(read_resolv_conf("nameserver"), IsEmpty());
}

}  // namespace
}  // namespace deployclaw::dns
