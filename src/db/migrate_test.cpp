#include "db/migrate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "db/error.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Postgres;

const std::vector<Migration> kTwo = {
    {"0001_first.sql", "create table first (id int); insert into first values (1);"},
    {"0002_second.sql", "create table second (id int);"}};

class MigrateTest : public ::testing::Test {
 protected:
  std::string conninfo = Postgres::shared().create_database("migrating");
};

TEST_F(MigrateTest, AppliesWhatIsMissingOnceAndInOrder) {
  const auto first = migrate(conninfo, {kTwo[0]});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_THAT(first->applied, ElementsAre("0001_first.sql"));
  const auto second = migrate(conninfo, {kTwo[1], kTwo[0]});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_THAT(second->applied, ElementsAre("0002_second.sql"));
  EXPECT_EQ(second->version, 2);
  const auto third = migrate(conninfo, kTwo);
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_THAT(third->applied, IsEmpty());
  EXPECT_EQ(third->version, 2);
}

TEST_F(MigrateTest, RefusesAnAppliedFileThatHasChanged) {
  ASSERT_TRUE(migrate(conninfo, kTwo));
  auto changed = kTwo;
  changed[0].sql += " ";
  const auto refused = migrate(conninfo, changed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
  EXPECT_THAT(refused.error().message, HasSubstr("0001_first.sql"));
}

TEST_F(MigrateTest, RefusesADatabaseThatANewerProgramMigrated) {
  ASSERT_TRUE(migrate(conninfo, kTwo));
  const auto refused = migrate(conninfo, {kTwo[0]});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("0002_second.sql"));
}

TEST_F(MigrateTest, AFileThatFailsLeavesNothingAndNamesItsLine) {
  auto broken = kTwo;
  broken[1].sql = "create table second (id int);\n\nselect * from nowhere;\n";
  const auto failed = migrate(conninfo, broken);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("0002_second.sql:3"));
  EXPECT_EQ(sqlstate_of(failed.error()), "42P01");
  const auto repaired = migrate(conninfo, kTwo);
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_THAT(repaired->applied, ElementsAre("0002_second.sql"));
}

TEST_F(MigrateTest, StatusTellsWithoutChangingAnything) {
  const auto before = migration_status(conninfo, kTwo);
  ASSERT_TRUE(before) << before.error().message;
  ASSERT_EQ(before->size(), 2U);
  EXPECT_FALSE(before->at(0).applied);
  ASSERT_TRUE(migrate(conninfo, {kTwo[0]}));
  const auto between = migration_status(conninfo, kTwo);
  ASSERT_TRUE(between);
  EXPECT_TRUE(between->at(0).applied);
  EXPECT_THAT(between->at(0).applied_at, HasSubstr("T"));
  EXPECT_FALSE(between->at(1).applied);
}

TEST_F(MigrateTest, MigratorsAtOnceTakeTurns) {
  std::array<Result<MigrationReport>, 4> reports;
  {
    std::vector<std::jthread> threads;
    for (auto& report : reports) {
      threads.emplace_back([&report, this] { report = migrate(conninfo, kTwo); });
    }
  }
  std::size_t applied = 0;
  for (const auto& report : reports) {
    ASSERT_TRUE(report) << report.error().message;
    applied += report->applied.size();
  }
  EXPECT_EQ(applied, 2U);
}

TEST_F(MigrateTest, WithoutAServerItIsUnavailable) {
  const auto failed = migrate("host=/nonexistent", kTwo);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kUnavailable);
}

TEST_F(MigrateTest, RefusesFilesWithoutAVersionOrWithTheSameTwice) {
  EXPECT_FALSE(migrate(conninfo, {{"first.sql", ""}}));
  EXPECT_FALSE(migrate(conninfo, {{"0_first.sql", ""}}));
  EXPECT_FALSE(migrate(conninfo, {{"1_a.sql", ""}, {"0001_b.sql", ""}}));
}

TEST_F(MigrateTest, TheEmbeddedFilesApplyToAnEmptyDatabaseWhoseRolesExist) {
  const auto report = migrate(conninfo);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->applied.size(), embedded_migrations().size());
}

}  // namespace
}  // namespace deployclaw::db
