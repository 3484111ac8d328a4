#include "api/web/accept_encoding.hpp"

#include <gtest/gtest.h>

namespace deployclaw::api::web {
namespace {

constexpr unsigned kAll = 7;
constexpr unsigned kGzipOnly = 3;

TEST(AcceptEncoding, TheSmallestThatIsTakenAndOfferedWins) {
  EXPECT_EQ(choose_coding("gzip, deflate, br, zstd", kAll), Coding::kBrotli);
  EXPECT_EQ(choose_coding("gzip, deflate, br", kGzipOnly), Coding::kGzip);
  EXPECT_EQ(choose_coding("gzip", kAll), Coding::kGzip);
  EXPECT_EQ(choose_coding("GZIP;q=0.5", kAll), Coding::kGzip);
  EXPECT_EQ(choose_coding("*", kAll), Coding::kBrotli);
  EXPECT_EQ(choose_coding("br;q=1.0, gzip", 1), Coding::kIdentity);
}

TEST(AcceptEncoding, WhatIsRefusedIsNotSent) {
  EXPECT_EQ(choose_coding("", kAll), Coding::kIdentity);
  EXPECT_EQ(choose_coding("br;q=0, gzip", kAll), Coding::kGzip);
  EXPECT_EQ(choose_coding("br ; Q=0.000 , gzip;q=0", kAll), Coding::kIdentity);
  EXPECT_EQ(choose_coding("br;q=0, *", kAll), Coding::kGzip);
  EXPECT_EQ(choose_coding("*;q=0", kAll), Coding::kIdentity);
  EXPECT_EQ(choose_coding("brx, gzipped", kAll), Coding::kIdentity);
  EXPECT_EQ(choose_coding(",;,=;q", kAll), Coding::kIdentity);
}

}  // namespace
}  // namespace deployclaw::api::web
