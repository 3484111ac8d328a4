#include "db/params.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <rapidcheck/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>
#include <tuple>

#include "db/rows.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::db {
namespace {

// Sends values the way a connection does and reads them back through the server.
Rows round_trip(const char* sql, const Params& params) {
  static const std::unique_ptr<PGconn, void (*)(PGconn*)> session = [] {
    auto* conn = PQconnectdb((testing::Postgres::shared().conninfo("postgres") +
                              " options='-c timezone=UTC' client_encoding=UTF8")
                                 .c_str());
    return std::unique_ptr<PGconn, void (*)(PGconn*)>(conn, PQfinish);
  }();
  // Another test may have crashed the server since.
  PQclear(PQexec(session.get(), "select 1"));
  if (PQstatus(session.get()) != CONNECTION_OK) PQreset(session.get());
  const auto given = params.for_libpq();
  PGresult* result =
      PQexecParams(session.get(), sql, static_cast<int>(given.values.size()), nullptr,
                   given.values.data(), given.lengths.data(), given.formats.data(), 0);
  EXPECT_EQ(PQresultStatus(result), PGRES_TUPLES_OK) << PQresultErrorMessage(result);
  return Rows(result);
}

std::string without_nul(std::string text) {
  std::erase_if(text, [](char c) { return c == '\0' || static_cast<unsigned char>(c) >= 0x80; });
  return text;
}

RC_GTEST_PROP(Params, TextComesBackAsItWas, (std::string text)) {
  const auto clean = without_nul(text) + "ü🦞'\"\\$1";
  const auto rows = round_trip("select $1::text", Params::of(clean));
  RC_ASSERT(rows.front().text(0) == clean);
}

RC_GTEST_PROP(Params, NumbersComeBackExactly, (std::int64_t integer, double real, bool flag)) {
  const auto rows =
      round_trip("select $1::bigint, $2::float8, $3::boolean", Params::of(integer, real, flag));
  RC_ASSERT(rows.front().int64(0) == integer);
  RC_ASSERT(rows.front().real(1) == real);
  RC_ASSERT(rows.front().boolean(2) == flag);
}

RC_GTEST_PROP(Params, TimesComeBackToTheMicrosecond, ()) {
  // 0001-01-02 to 9999-12-30.
  const Time time{std::chrono::microseconds(
      *rc::gen::inRange<std::int64_t>(-62'135'500'000'000'000, 253'402'200'000'000'000))};
  const auto rows = round_trip("select $1::timestamptz", Params::of(time));
  RC_ASSERT(rows.front().time(0) == time);
}

RC_GTEST_PROP(Params, ArraysAndBytesComeBack,
              (std::vector<std::string> texts, std::vector<unsigned char> bytes)) {
  for (auto& text : texts) text = without_nul(text);
  texts.insert(texts.end(), {"NULL", "", "a,b", "{\"x\"}", "\\", "ü"});
  const auto rows = round_trip("select $1::text[], $2::bytea", Params::of(texts, bytes));
  RC_ASSERT(rows.front().texts(0) == texts);
  RC_ASSERT(rows.front().bytes(1) == bytes);
}

RC_GTEST_PROP(Params, BinaryArraysComeBackBesideOthers, (std::vector<std::string> texts)) {
  for (auto& text : texts) text = without_nul(text);
  texts.insert(texts.end(), {"NULL", "", "a,b", "{\"x\"}", "\\", "ü🦞"});
  const std::vector<AgentId> ids = {AgentId::random(), {}, AgentId::random()};
  const auto rows =
      round_trip("select $1::text, $2::text[], $3::uuid[], $4::text, array_ndims($2)",
                 Params::of("before", BinaryTexts{texts}, BinaryIds<AgentTag>{ids}, "behind"));
  RC_ASSERT(rows.front().text(0) == "before");
  RC_ASSERT(rows.front().texts(1) == texts);
  RC_ASSERT(rows.front().texts(2) ==
            (std::vector{ids[0].to_string(), ids[1].to_string(), ids[2].to_string()}));
  RC_ASSERT(rows.front().text(3) == "behind");
  RC_ASSERT(rows.front().int64(4) == 1);
}

TEST(Params, AnEmptyBinaryArrayIsAnEmptyArray) {
  const auto rows = round_trip("select $1::text[] = '{}', $2::uuid[] = '{}'",
                               Params::of(BinaryTexts{}, BinaryIds<AgentTag>{}));
  EXPECT_TRUE(rows.front().boolean(0));
  EXPECT_TRUE(rows.front().boolean(1));
}

TEST(Params, IdsJsonAndNullsComeBack) {
  const auto agent = AgentId::random();
  const std::vector<AgentId> agents = {agent, AgentId::random()};
  const auto value = boost::json::parse(R"({"a": [1, 2.5, null, "ü\n"], "b": {}})");
  const std::optional<std::string> none;
  const auto rows =
      round_trip("select $1::uuid, $2::jsonb, $3::text, $4::text, $5::uuid[], '{}'::text[]",
                 Params::of(agent, value, none, std::nullopt, agents));
  const auto row = rows.front();
  EXPECT_EQ(row.id<AgentTag>(0), agent);
  EXPECT_EQ(row.json(1), value);
  EXPECT_EQ(row.maybe_text(2), std::nullopt);
  EXPECT_TRUE(row.is_null(3));
  EXPECT_EQ(row.texts(4), (std::vector{agents[0].to_string(), agents[1].to_string()}));
  EXPECT_TRUE(row.texts(5).empty());
}

TEST(Params, SpecialNumbersComeBack) {
  const auto rows = round_trip("select $1::float8, $2::float8, $3::float8",
                               Params::of(std::nan(""), HUGE_VAL, -HUGE_VAL));
  EXPECT_TRUE(std::isnan(rows.front().real(0)));
  EXPECT_EQ(rows.front().real(1), HUGE_VAL);
  EXPECT_EQ(rows.front().real(2), -HUGE_VAL);
}

TEST(Params, TextWithNulIsNotValid) {
  EXPECT_FALSE(Params::of(std::string("a\0b", 3)).valid());
  const std::vector with_nul = {std::string("a\0b", 3)};
  EXPECT_FALSE(Params::of(with_nul).valid());
  EXPECT_FALSE(Params::of(BinaryTexts{with_nul}).valid());
  EXPECT_TRUE(Params::of("ab").valid());
}

TEST(Rows, AWrongTypeANullAndAMissingColumnAreBadColumns) {
  const auto rows = round_trip(
      "select 'x', null, 1, '2026-01-01 00:00:00+00'::timestamptz, 'infinity'::timestamptz, "
      "'{a,NULL}'::text[], '{{a},{b}}'::text[], 10000000000000000000::numeric",
      {});
  const auto row = rows.front();
  EXPECT_THROW(std::ignore = row.int64(0), BadColumn);
  EXPECT_THROW(std::ignore = row.boolean(0), BadColumn);
  EXPECT_THROW(std::ignore = row.real(0), BadColumn);
  EXPECT_THROW(std::ignore = row.time(0), BadColumn);
  EXPECT_THROW(std::ignore = row.json(0), BadColumn);
  EXPECT_THROW(std::ignore = row.bytes(0), BadColumn);
  EXPECT_THROW(std::ignore = row.texts(0), BadColumn);
  EXPECT_THROW(std::ignore = row.id<AgentTag>(0), BadColumn);
  EXPECT_THROW(std::ignore = row.text(1), BadColumn);
  EXPECT_EQ(row.maybe_int64(1), std::nullopt);
  EXPECT_THROW(std::ignore = row.text(8), BadColumn);
  EXPECT_THROW(std::ignore = row.text(-1), BadColumn);
  EXPECT_EQ(row.time(3), Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)));
  EXPECT_THROW(std::ignore = row.time(4), BadColumn);
  EXPECT_THROW(std::ignore = row.texts(5), BadColumn);
  EXPECT_THROW(std::ignore = row.texts(6), BadColumn);
  EXPECT_THROW(std::ignore = row.int64(7), BadColumn);
  EXPECT_THROW(std::ignore = rows[1], BadColumn);
  EXPECT_THROW(std::ignore = Rows().front(), BadColumn);
}

}  // namespace
}  // namespace deployclaw::db
