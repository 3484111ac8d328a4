#include "domain/permissions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <limits>

#include "domain/resources.hpp"

namespace deployclaw::domain {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

std::vector<std::string> pointers_of(std::string_view json) {
  std::vector<FieldError> errors;
  read_permissions(boost::json::parse(json), "/permissions", errors);
  std::vector<std::string> pointers;
  for (const auto& error : errors) pointers.push_back(error.pointer);
  return pointers;
}

TEST(Permissions, TheContractsExampleIsKept) {
  const auto value = boost::json::parse(R"({
    "scopes": ["email:read", "email:send", "api:outbound"],
    "rateLimits": {"email:send": {"maxPerHour": 20, "maxPerDay": 100}},
    "allowedDomains": ["API.example.com", "*.example.org", "api.example.com"],
    "maxDailyTokenSpend": 5.00,
    "approval": ["email:send"]})");
  std::vector<FieldError> errors;
  const auto permissions = read_permissions(value, "/permissions", errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_THAT(permissions.allowed_domains, ElementsAre("api.example.com", "*.example.org"));
  EXPECT_EQ(permissions.rate_limits.at("email:send").max_per_day, 100);
  EXPECT_EQ(permissions.max_daily_token_spend, 5.0);

  const auto again = read_permissions(to_json(permissions), "", errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(to_json(again), to_json(permissions));
}

TEST(Permissions, ADomainMayNameItsPort) {
  std::vector<FieldError> errors;
  const auto permissions = read_permissions(
      boost::json::parse(
          R"({"scopes": [], "allowedDomains": ["DB.example.com:5432", "db.example.com:5432",
              "db.example.com", "*.example.org:8443"]})"),
      "", errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_THAT(permissions.allowed_domains,
              ElementsAre("db.example.com:5432", "db.example.com", "*.example.org:8443"));
  EXPECT_THAT(pointers_of(R"({"scopes": [], "allowedDomains": ["mail.example.com:25"]})"),
              ElementsAre("/permissions/allowedDomains/0"));
}

TEST(Permissions, AbsentSpendStaysAbsentAndZeroStaysZero) {
  std::vector<FieldError> errors;
  const auto absent = read_permissions(boost::json::parse(R"({"scopes": []})"), "", errors);
  EXPECT_FALSE(to_json(absent).contains("maxDailyTokenSpend"));
  const auto zero = read_permissions(
      boost::json::parse(R"({"scopes": [], "maxDailyTokenSpend": 0})"), "", errors);
  EXPECT_EQ(zero.max_daily_token_spend, 0.0);
  EXPECT_THAT(errors, IsEmpty());
}

TEST(Permissions, EveryMistakeIsNamedByItsPointer) {
  EXPECT_THAT(pointers_of(R"([])"), ElementsAre("/permissions"));
  EXPECT_THAT(pointers_of(R"({})"), ElementsAre("/permissions/scopes"));
  EXPECT_THAT(
      pointers_of(R"({"scopes": ["email:read", "root", 3, "email:read"]})"),
      ElementsAre("/permissions/scopes/1", "/permissions/scopes/2", "/permissions/scopes/3"));
  EXPECT_THAT(
      pointers_of(R"({"scopes": [], "allowedDomains": ["a.example.com", "10.0.0.1", "*.com"]})"),
      ElementsAre("/permissions/allowedDomains/1", "/permissions/allowedDomains/2"));
  EXPECT_THAT(pointers_of(R"({"scopes": [], "approval": ["nope"], "extra": 1})"),
              ElementsAre("/permissions/approval/0", "/permissions/extra"));
  EXPECT_THAT(pointers_of(R"({"scopes": [], "rateLimits": {"a/b": {}}})"),
              ElementsAre("/permissions/rateLimits/a~1b"));
}

TEST(Permissions, RateLimitsArePositiveAndADayHoldsAnHour) {
  const auto with = [](std::string_view limit) {
    return pointers_of(R"({"scopes": [], "rateLimits": {"email:send": )" + std::string(limit) +
                       "}}");
  };
  EXPECT_THAT(with(R"({"maxPerHour": 1})"), IsEmpty());
  EXPECT_THAT(with(R"({"maxPerHour": 5, "maxPerDay": 5})"), IsEmpty());
  EXPECT_THAT(with(R"({"maxPerHour": 5, "maxPerDay": 4})"),
              ElementsAre("/permissions/rateLimits/email:send/maxPerDay"));
  for (const char* bad :
       {R"({"maxPerHour": 0})", R"({"maxPerHour": -1})", R"({"maxPerHour": 1.5})",
        R"({"maxPerHour": "5"})", R"({"maxPerHour": 1e300})", R"({"maxPerHour": null})"}) {
    EXPECT_THAT(with(bad), ElementsAre("/permissions/rateLimits/email:send/maxPerHour")) << bad;
  }
  EXPECT_THAT(with("{}"), ElementsAre("/permissions/rateLimits/email:send"));
  EXPECT_THAT(with("7"), ElementsAre("/permissions/rateLimits/email:send"));
}

TEST(Permissions, SpendIsAFiniteAmount) {
  for (const char* bad : {"-0.01", "1e308", "100001", "\"5\"", "null", "[]"}) {
    EXPECT_THAT(pointers_of(R"({"scopes": [], "maxDailyTokenSpend": )" + std::string(bad) + "}"),
                ElementsAre("/permissions/maxDailyTokenSpend"))
        << bad;
  }
}

// No JSON text says them, but a value may come from elsewhere.
TEST(Permissions, SpendIsNeverNotANumber) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    const boost::json::value value{{"scopes", boost::json::array()}, {"maxDailyTokenSpend", bad}};
    std::vector<FieldError> errors;
    read_permissions(value, "/permissions", errors);
    EXPECT_THAT(errors,
                ElementsAre(Field(&FieldError::pointer, "/permissions/maxDailyTokenSpend")));
  }
}

TEST(Permissions, HugeLimitsAreRefused) {
  for (const char* field : {"maxPerHour", "maxPerDay"}) {
    for (const char* bad : {"10000001", "9223372036854775807", "18446744073709551615"}) {
      EXPECT_THAT(pointers_of(R"({"scopes": [], "rateLimits": {"email:send": {")" +
                              std::string(field) + "\": " + bad + "}}}"),
                  ElementsAre("/permissions/rateLimits/email:send/" + std::string(field)))
          << bad;
    }
  }
}

TEST(Permissions, WildcardTricksAreRefused) {
  for (const char* bad : {"*", "*.", "*.*", "**.example.com", "*.*.example.com", "a.*.example.com",
                          "*a.example.com", "example.*", "*.co.uk", "*.github.io", "*.10.0.0.1",
                          "*.example.com.", "*.example.com/", "*.example.com:*", "*.localhost",
                          "%2a.example.com", "*.xn--.com", ".example.com", "*..example.com"}) {
    EXPECT_THAT(pointers_of(R"({"scopes": [], "allowedDomains": [")" + std::string(bad) + "\"]}"),
                ElementsAre("/permissions/allowedDomains/0"))
        << bad;
  }
}

TEST(Resources, AreFilledFromDefaultsAndBounded) {
  const Resources defaults{.cpus = 1, .memory_mb = 2048, .disk_mb = 2048, .pids = 256};
  const Resources least{.cpus = 0.25, .memory_mb = 1536, .disk_mb = 512, .pids = 64};
  const auto read = [&](std::string_view text, std::vector<FieldError>& errors) {
    return read_resources(boost::json::parse(text), defaults, least, "/resources", errors);
  };
  std::vector<FieldError> errors;
  EXPECT_EQ(read("{}", errors), defaults);
  EXPECT_EQ(read(R"({"cpus": 2, "memoryMb": 4096})", errors).memory_mb, 4096);
  EXPECT_THAT(errors, IsEmpty());

  for (const char* bad : {R"({"cpus": 0.2})", R"({"cpus": 8.5})", R"({"cpus": "1"})"}) {
    errors.clear();
    read(bad, errors);
    EXPECT_THAT(errors, ElementsAre(Field(&FieldError::pointer, "/resources/cpus"))) << bad;
  }
  for (const char* bad :
       {R"({"memoryMb": 1535})", R"({"memoryMb": 16385})", R"({"memoryMb": 2000.5})",
        R"({"memoryMb": true})", R"({"memoryMb": -5})"}) {
    errors.clear();
    read(bad, errors);
    EXPECT_THAT(errors, ElementsAre(Field(&FieldError::pointer, "/resources/memoryMb"))) << bad;
  }
  errors.clear();
  read(R"({"gpus": 1})", errors);
  EXPECT_THAT(errors, ElementsAre(Field(&FieldError::pointer, "/resources/gpus")));
}

}  // namespace
}  // namespace deployclaw::domain
