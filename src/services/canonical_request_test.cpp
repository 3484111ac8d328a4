#include "services/canonical_request.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <vector>

namespace deployclaw::services {
namespace {

using Field = std::pair<std::string, std::string>;

// A request that owns its texts.
struct Given {
  std::string method = "POST";
  std::string scheme = "https";
  std::string authority = "gmail.googleapis.com";
  std::string target = "/gmail/v1/users/me/messages/send?alt=json";
  std::vector<Field> fields = {{"Content-Type", "application/json"}, {"Authorization", "Bearer x"}};
  std::string body = R"({"raw":"aGk"})";

  [[nodiscard]] crypto::Sha256Digest digest() const {
    return request_digest({.method = method,
                           .scheme = scheme,
                           .authority = authority,
                           .target = target,
                           .fields = fields,
                           .body = body});
  }
  // Every byte that counts.
  std::vector<char*> bytes() {
    std::vector<char*> all;
    const auto add = [&all](std::string& text) {
      for (char& c : text) all.push_back(&c);
    };
    for (auto* part : {&method, &scheme, &authority, &target, &body}) add(*part);
    for (auto& [name, value] : fields) {
      if (is_volatile_field(name)) continue;
      add(name);
      add(value);
    }
    return all;
  }
};

Given any_request() {
  Given given;
  given.method = *rc::gen::element<std::string>("POST", "PUT", "DELETE");
  given.target += *rc::gen::string<std::string>();
  given.body = *rc::gen::string<std::string>();
  const auto more = *rc::gen::container<std::vector<Field>>(
      rc::gen::pair(rc::gen::string<std::string>(), rc::gen::string<std::string>()));
  given.fields.insert(given.fields.end(), more.begin(), more.end());
  return given;
}

RC_GTEST_PROP(RequestDigest, AnotherByteAnywhereIsAnotherDigest, ()) {
  auto given = any_request();
  const auto before = given.digest();
  const auto bytes = given.bytes();
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto flip = *rc::gen::inRange(1, 256);
  *bytes[at] = static_cast<char>(static_cast<unsigned char>(*bytes[at]) ^ flip);
  RC_ASSERT(given.digest() != before);
}

RC_GTEST_PROP(RequestDigest, AByteMoreOrLessIsAnotherDigest, ()) {
  auto given = any_request();
  const auto before = given.digest();
  const auto extra = *rc::gen::string<std::string>();
  RC_PRE(!extra.empty());
  auto* part = *rc::gen::element(&given.method, &given.target, &given.body, &given.authority);
  *part += extra;
  RC_ASSERT(given.digest() != before);
}

RC_GTEST_PROP(RequestDigest, WhatMovesFromOnePartIntoTheNextIsAnotherDigest, ()) {
  auto given = any_request();
  RC_PRE(!given.body.empty());
  auto moved = given;
  moved.target += moved.body.front();
  moved.body.erase(0, 1);
  RC_ASSERT(moved.digest() != given.digest());
}

TEST(RequestDigest, VolatileFieldsDoNotCount) {
  const Given given;
  for (const char* name :
       {"User-Agent", "accept", "Accept-Encoding", "ACCEPT-LANGUAGE", "Date", "Connection", "TE",
        "traceparent", "tracestate", "X-Request-ID", "x-stainless-retry-count"}) {
    auto other = given;
    other.fields.insert(other.fields.begin() + 1, {name, "changes"});
    EXPECT_EQ(other.digest(), given.digest()) << name;
  }
}

TEST(RequestDigest, EveryOtherFieldCounts) {
  const Given given;
  for (const char* name : {"X-Goog-User-Project", "Cookie", "Idempotency-Key", "Content-Language",
                           "Accepted", "X-Stainless", "Dates", "Prefer"}) {
    auto other = given;
    other.fields.emplace_back(name, "v");
    EXPECT_NE(other.digest(), given.digest()) << name;
  }
}

TEST(RequestDigest, TheOrderOfFieldsCounts) {
  Given given;
  given.fields = {{"A", "1"}, {"A", "2"}};
  auto other = given;
  std::swap(other.fields[0], other.fields[1]);
  EXPECT_NE(other.digest(), given.digest());
}

}  // namespace
}  // namespace deployclaw::services
