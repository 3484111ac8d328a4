#include "api/client_address.hpp"

#include <gtest/gtest.h>

#include "api/guard.hpp"

namespace deployclaw::api {
namespace {

std::string address(std::vector<std::string> trusted, std::string peer, std::string forwarded) {
  ApiConfig config;
  config.trusted_proxies = std::move(trusted);
  http::Request request;
  request.remote_address = std::move(peer);
  if (!forwarded.empty()) request.headers.add("x-forwarded-for", forwarded);
  return client_address(config, request);
}

TEST(ClientAddress, IsThePeerWhateverAHeaderSays) {
  EXPECT_EQ(address({}, "203.0.113.9", "1.2.3.4"), "203.0.113.9");
  EXPECT_EQ(address({"10.0.0.1"}, "203.0.113.9", "1.2.3.4"), "203.0.113.9");
  EXPECT_EQ(address({}, "::ffff:203.0.113.9", ""), "203.0.113.9");
}

TEST(ClientAddress, IsTheLastHopThatNoTrustedProxyAdded) {
  EXPECT_EQ(address({"10.0.0.1"}, "10.0.0.1", "198.51.100.7"), "198.51.100.7");
  // The client wrote 1.2.3.4 itself; the proxy appended what it saw.
  EXPECT_EQ(address({"10.0.0.1"}, "10.0.0.1", "1.2.3.4, 198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(address({"10.0.0.0/8"}, "10.0.0.1", "1.2.3.4, 198.51.100.7, 10.9.9.9"), "198.51.100.7");
  EXPECT_EQ(address({"10.0.0.1"}, "10.0.0.1", "198.51.100.7, rubbish"), "10.0.0.1");
  EXPECT_EQ(address({"10.0.0.1"}, "10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(address({"127.0.0.1"}, "", "198.51.100.7"), "198.51.100.7") << "a unix socket";
}

TEST(ClientAddress, ReadsAllFieldsOfTheHeaderAsOneList) {
  ApiConfig config;
  config.trusted_proxies = {"10.0.0.1"};
  http::Request request;
  request.remote_address = "10.0.0.1";
  request.headers.add("X-Forwarded-For", "1.2.3.4");
  request.headers.add("x-forwarded-for", "198.51.100.7");
  EXPECT_EQ(client_address(config, request), "198.51.100.7");
}

TEST(AttemptNetwork, CountsAnIpv6NetworkAsOne) {
  EXPECT_EQ(attempt_network("2001:db8:1:2:3:4:5:6"), attempt_network("2001:db8:1:2:ffff::1"));
  EXPECT_NE(attempt_network("2001:db8:1:2::1"), attempt_network("2001:db8:1:3::1"));
  EXPECT_EQ(attempt_network("::ffff:192.0.2.1"), attempt_network("192.0.2.1"));
  EXPECT_NE(attempt_network("192.0.2.1"), attempt_network("192.0.2.2"));
  EXPECT_EQ(attempt_network(""), "unknown");
}

TEST(AddressMatches, ComparesFamiliesAndPrefixes) {
  EXPECT_TRUE(address_matches("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(address_matches("11.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(address_matches("2001:db8::1", "2001:db8::/32"));
  EXPECT_FALSE(address_matches("2001:db9::1", "2001:db8::/32"));
  EXPECT_FALSE(address_matches("10.1.2.3", "2001:db8::/32"));
  EXPECT_FALSE(address_matches("10.1.2.3", "10.0.0.0/99"));
  EXPECT_FALSE(address_matches("10.1.2.3", "everything"));
}

}  // namespace
}  // namespace deployclaw::api
