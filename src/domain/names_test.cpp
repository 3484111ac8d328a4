#include "domain/names.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace deployclaw::domain {
namespace {

TEST(AgentName, IsTrimmedAndKeptOtherwise) {
  EXPECT_EQ(agent_name("  Support Bot  "), "Support Bot");
  EXPECT_EQ(agent_name("größe \"quoted\" <b>; rm -rf /"), "größe \"quoted\" <b>; rm -rf /");
  EXPECT_EQ(agent_name("机器人"), "机器人");
}

TEST(AgentName, CountsCharactersNotBytes) {
  std::string name;
  for (int i = 0; i < 63; ++i) name += "ä";
  EXPECT_TRUE(agent_name(name));
  EXPECT_FALSE(agent_name(name + "ä"));
}

TEST(AgentName, RefusesWhatCannotBeSeen) {
  for (const char* bad : {"", "   ", "a\nb", "a\tb", "a\x7f", "a\xc2\x85z",
                          "a\xe2\x80\xae"
                          "b",
                          "a\xe2\x80\x8b"
                          "b",
                          "a\xe2\x80\xa8", "\xef\xbb\xbfx", "\xff"}) {
    EXPECT_FALSE(agent_name(bad)) << bad;
  }
  EXPECT_FALSE(agent_name(std::string_view("a\0b", 3)));
}

TEST(CredentialName, IsAPlainToken) {
  for (const char* good : {"OPENAI_API_KEY", "a", "9.x-y_z"}) EXPECT_TRUE(credential_name(good));
  for (const char* bad : {"", "_a", ".a", "-a", "a/b", "a b", "a\n", "ä", "a%2Fb"}) {
    EXPECT_FALSE(credential_name(bad)) << bad;
  }
  EXPECT_TRUE(credential_name(std::string(64, 'a')));
  EXPECT_FALSE(credential_name(std::string(65, 'a')));
}

TEST(HostPattern, IsCanonical) {
  EXPECT_EQ(host_pattern("API.Example.COM"), "api.example.com");
  EXPECT_EQ(host_pattern("*.example.org"), "*.example.org");
  EXPECT_EQ(host_pattern("bücher.example.com"), "xn--bcher-kva.example.com");
  EXPECT_EQ(host_pattern("BÜCHER.example.com"), "xn--bcher-kva.example.com");
  EXPECT_EQ(host_pattern("xn--bcher-kva.example.com"), "xn--bcher-kva.example.com");
  EXPECT_EQ(host_pattern("example.co.uk"), "example.co.uk");
}

TEST(HostPattern, RefusesOtherWildcards) {
  for (const char* bad : {"*", "*.*.example.com", "a.*.example.com", "api*.example.com",
                          "*api.example.com", "**.example.com", "*.", "example.*"}) {
    EXPECT_FALSE(host_pattern(bad)) << bad;
  }
}

TEST(HostPattern, RefusesAddressesInAnySpelling) {
  for (const char* bad :
       {"127.0.0.1", "10.0.0.1", "8.8.8.8", "2130706433", "0x7f000001", "0x7f.1", "127.1",
        "0177.0.0.1", "::1", "[::1]", "fe80::1", "1.2.3.4:80", "a.0x1f", "a.7"}) {
    EXPECT_FALSE(host_pattern(bad)) << bad;
  }
}

TEST(AllowedDomain, HasAnOptionalPort) {
  const auto plain = allowed_domain("API.example.com");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->admits("api.example.com", 443));
  EXPECT_TRUE(plain->admits("api.example.com", 80));
  EXPECT_FALSE(plain->admits("api.example.com", 8443));
  EXPECT_FALSE(plain->admits("other.example.com", 443));
  const auto named = allowed_domain("*.example.com:8443");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->to_string(), "*.example.com:8443");
  EXPECT_TRUE(named->admits("a.example.com", 8443));
  EXPECT_FALSE(named->admits("a.example.com", 443)) << "the port named, and no other";
  for (const char* bad :
       {"a.example.com:", "a.example.com:0", "a.example.com:25", "a.example.com:65536",
        "a.example.com:080", "a.example.com:+1", "a.example.com:1:2", "a.example.com: 1", ":443",
        "[::1]:443", "10.0.0.1:443", "https://a.example.com", "*.com:443", "a.example.com:443/x"}) {
    EXPECT_FALSE(allowed_domain(bad)) << bad;
  }
}

TEST(HostPattern, RefusesPublicSuffixes) {
  for (const char* bad : {"com", "*.com", "co.uk", "*.co.uk", "github.io", "*.github.io",
                          "*.s3.amazonaws.com", "nosuchtld"}) {
    EXPECT_FALSE(host_pattern(bad)) << bad;
  }
}

TEST(HostPattern, RefusesLocalNames) {
  for (const char* bad :
       {"localhost", "a.localhost", "printer.local", "metadata.google.internal", "x.home.arpa"}) {
    EXPECT_FALSE(host_pattern(bad)) << bad;
  }
  EXPECT_TRUE(host_pattern("notlocal.example.com"));
}

TEST(HostPattern, RefusesWhatIsNoName) {
  for (const char* bad :
       {"", ".", "a..example.com", ".example.com", "example.com.", "https://example.com",
        "example.com/path", "example.com:443", "user@example.com", "exa mple.com",
        "a_b.example.com", "-a.example.com", "a-.example.com", "example.com\n", "ex%61mple.com",
        "exa\xffmple.com", "xn--0.example.com", "xn--bcher-kva-.example.com",
        "a\xe2\x80\x8d"
        "b.example.com"}) {
    EXPECT_FALSE(host_pattern(bad)) << bad;
  }
  EXPECT_FALSE(host_pattern(std::string(64, 'a') + ".example.com"));
  std::string longest = "example.com";
  while (longest.size() < 250) longest.insert(0, "abcdefg.");
  EXPECT_FALSE(host_pattern(longest + std::string(10, 'm')));
}

RC_GTEST_PROP(HostPattern, WhatIsAcceptedIsAcceptedUnchanged, (const std::string& text)) {
  const auto once = host_pattern(text + ".example.com");
  if (!once) return;
  const auto twice = host_pattern(*once);
  const bool unchanged = twice.has_value() && *twice == *once;
  RC_ASSERT(unchanged);
}

TEST(HostMatches, WildcardMeansNamesBelowOnly) {
  EXPECT_TRUE(host_matches("a.example.com", "a.example.com"));
  EXPECT_TRUE(host_matches("*.example.com", "a.example.com"));
  EXPECT_TRUE(host_matches("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(host_matches("*.example.com", "example.com"));
  EXPECT_FALSE(host_matches("*.example.com", "badexample.com"));
  EXPECT_FALSE(host_matches("*.example.com", ".example.com"));
  EXPECT_FALSE(host_matches("a.example.com", "b.example.com"));
}

}  // namespace
}  // namespace deployclaw::domain
