#include "crypto/password.hpp"

#include <crypt.h>
#include <gtest/gtest.h>

namespace deployclaw::crypto {
namespace {

constexpr int kFast = 4;

Secret text(std::string_view value) { return Secret::copy_of(value); }

TEST(Password, VerifiesWhatItHashedAndNothingElse) {
  const PasswordHasher hasher(kFast);
  const auto stored = hasher.hash(text("correct horse"));
  ASSERT_TRUE(stored);
  EXPECT_TRUE(hasher.verify(text("correct horse"), *stored));
  EXPECT_FALSE(hasher.verify(text("correct horsf"), *stored));
  EXPECT_FALSE(hasher.verify(text(""), *stored));
}

TEST(Password, SaltsEveryHash) {
  const PasswordHasher hasher(kFast);
  EXPECT_NE(hasher.hash(text("same")).value(), hasher.hash(text("same")).value());
}

TEST(Password, UsesBcrypt2bWithTheWantedCost) {
  EXPECT_EQ(PasswordHasher::kDefaultCost, 12);
  const PasswordHasher hasher(5);
  const auto stored = hasher.hash(text("x"));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->substr(0, 7), "$2b$05$");
  EXPECT_EQ(stored->size(), 60U);
}

// An ordinary password's row must verify with any bcrypt, here libcrypt's own entry point.
TEST(Password, IsPlainBcryptForAPasswordThatFits) {
  const PasswordHasher hasher(kFast);
  const std::string password(72, 'p');
  const auto stored = hasher.hash(text(password));
  ASSERT_TRUE(stored);
  EXPECT_EQ(std::string(crypt(password.c_str(), stored->c_str())), *stored);
}

// The published vector of the bcrypt test suite (John the Ripper's "U*U").
TEST(Password, VerifiesAPublishedVector) {
  const PasswordHasher hasher(kFast);
  const std::string stored = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
  EXPECT_TRUE(hasher.verify(text("U*U"), stored));
  EXPECT_FALSE(hasher.verify(text("U*V"), stored));
}

TEST(Password, CountsEveryByteBeyondTheLimitOfBcrypt) {
  const PasswordHasher hasher(kFast);
  const std::string base(72, 'a');
  const auto stored = hasher.hash(text(base + "b"));
  ASSERT_TRUE(stored);
  EXPECT_TRUE(hasher.verify(text(base + "b"), *stored));
  EXPECT_FALSE(hasher.verify(text(base + "c"), *stored));
  EXPECT_FALSE(hasher.verify(text(base), *stored));
}

TEST(Password, CountsBytesAfterANul) {
  const PasswordHasher hasher(kFast);
  const auto stored = hasher.hash(text(std::string_view("abc\0def", 7)));
  ASSERT_TRUE(stored);
  EXPECT_TRUE(hasher.verify(text(std::string_view("abc\0def", 7)), *stored));
  EXPECT_FALSE(hasher.verify(text(std::string_view("abc\0xyz", 7)), *stored));
  EXPECT_FALSE(hasher.verify(text("abc"), *stored));
}

TEST(Password, HasADummyThatNoGuessMatches) {
  const PasswordHasher hasher(kFast);
  EXPECT_FALSE(hasher.needs_rehash(hasher.dummy_hash()));
  EXPECT_FALSE(hasher.verify(text(""), hasher.dummy_hash()));
  EXPECT_NE(hasher.dummy_hash(), PasswordHasher(kFast).dummy_hash());
}

TEST(Password, AsksForARehashWhenTheCostChanged) {
  const PasswordHasher old_cost(kFast);
  const PasswordHasher new_cost(5);
  const auto stored = old_cost.hash(text("x"));
  ASSERT_TRUE(stored);
  EXPECT_TRUE(new_cost.verify(text("x"), *stored));
  EXPECT_TRUE(new_cost.needs_rehash(*stored));
  EXPECT_FALSE(old_cost.needs_rehash(*stored));
}

TEST(Password, RefusesWhatIsNotABcryptHash) {
  const PasswordHasher hasher(kFast);
  const std::string good = hasher.hash(text("x")).value();
  for (const std::string& bad :
       {std::string(), std::string("*0"), std::string("x"), good.substr(0, 59), good + "x",
        "$1$" + good.substr(3), "$2b$99$" + good.substr(7),
        good.substr(0, 10) + ":" + good.substr(11), good.substr(0, 59) + std::string(1, '\0')}) {
    EXPECT_FALSE(hasher.verify(text("x"), bad)) << bad;
  }
}

}  // namespace
}  // namespace deployclaw::crypto
