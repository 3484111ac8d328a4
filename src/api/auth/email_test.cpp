#include "api/auth/email.hpp"

#include <gtest/gtest.h>

namespace deployclaw::api {
namespace {

TEST(Email, IsLowerCasedAndStripped) {
  EXPECT_EQ(normalise_email("  Ada.Lovelace+x@Example.ORG "), "ada.lovelace+x@example.org");
  EXPECT_EQ(normalise_email("a@xn--bcher-kva.example"), "a@xn--bcher-kva.example");
}

TEST(Email, RefusesWhatIsNoPlainAddress) {
  for (const char* text : {"",
                           "@",
                           "a",
                           "a@",
                           "@b.c",
                           "a@b",
                           "a@b..c",
                           "a@.b.c",
                           "a@b.c.",
                           "a@@b.c",
                           "a@b@c.d",
                           ".a@b.c",
                           "a.@b.c",
                           "a..b@c.d",
                           "a b@c.d",
                           "\"a b\"@c.d",
                           "a@b_c.d",
                           "a@-b.c",
                           "a@b-.c",
                           "a@b.-c",
                           "a@127.0.0.1",
                           "a@[127.0.0.1]",
                           "ä@b.c",
                           "a@bücher.example",
                           "a\n@b.c",
                           "a@b.c\r\nBcc: x@y.z",
                           "a@b.c,d@e.f",
                           "a@b.c\t",
                           "<a@b.c>"}) {
    EXPECT_EQ(normalise_email(text), std::nullopt) << text;
  }
}

TEST(Email, HasTheLengthsOfTheStandard) {
  EXPECT_TRUE(normalise_email(std::string(64, 'a') + "@b.example"));
  EXPECT_FALSE(normalise_email(std::string(65, 'a') + "@b.example"));
  EXPECT_TRUE(normalise_email("a@" + std::string(63, 'b') + ".example"));
  EXPECT_FALSE(normalise_email("a@" + std::string(64, 'b') + ".example"));
  std::string domain;
  while (domain.size() < 250) domain += "abcdefgh.";
  EXPECT_FALSE(normalise_email("abcd@" + domain + "example"));
}

}  // namespace
}  // namespace deployclaw::api
