#include "egress/spool_shares.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace deployclaw::egress {
namespace {

class SpoolSharesTest : public ::testing::Test {
 protected:
  // Adds until there is no room for one more; how many went in.
  int fill(const ClientId& client) {
    int count = 0;
    while (shares.fits(client, kRecord)) {
      end += kRecord;
      shares.add(client, kRecord, end);
      ++count;
    }
    return count;
  }

  static constexpr std::uint64_t kRecord = 100;
  static constexpr int kAll = 1'000;  // records in the whole spool
  SpoolShares shares{kRecord * kAll};
  std::uint64_t end = 0;
  const ClientId a = ClientId::random();
  const ClientId b = ClientId::random();
};

TEST_F(SpoolSharesTest, OneAloneHasHalf) { EXPECT_EQ(fill(a), kAll / 2); }

TEST_F(SpoolSharesTest, WhoeverComesLaterStillHasRoom) {
  fill(a);
  EXPECT_EQ(fill(b), kAll / 4);
  for (int i = 0; i < 5; ++i) EXPECT_GT(fill(ClientId::random()), 0) << i;
}

TEST_F(SpoolSharesTest, GivesBackWhatTheDatabaseHas) {
  fill(a);
  const auto half = end;
  fill(b);
  shares.release(half);
  EXPECT_NEAR(fill(a), 375, 5) << "half of what b leaves";
  shares.release(end);
  EXPECT_EQ(fill(b), kAll / 2) << "everything";
}

TEST_F(SpoolSharesTest, TakesBackWhatWasVoid) {
  fill(a);
  shares.take_back(0);
  end = 0;
  EXPECT_EQ(fill(b), kAll / 2);
}

TEST_F(SpoolSharesTest, CountsADayOfTrafficDownToNothing) {
  const std::vector<ClientId> clients{a, b, ClientId::random()};
  for (int i = 0; i < 20'000; ++i) {
    end += kRecord;
    shares.add(clients[static_cast<std::size_t>(i) % 3], kRecord, end);
    if (i % 7 == 0) shares.release(end - 3 * kRecord);
  }
  shares.release(end);
  EXPECT_EQ(fill(a), kAll / 2);
}

}  // namespace
}  // namespace deployclaw::egress
