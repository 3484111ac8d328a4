#include "api/idempotency.hpp"

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>

#include "api/testing/fixture.hpp"
#include "http/problem.hpp"

namespace deployclaw::api {
namespace {

using testing::Client;
using testing::Fixture;

// An action that counts how often it ran and answers what it is told to.
struct Counted {
  int runs = 0;
  int status = 201;
  std::chrono::milliseconds wait{0};
};

Task<Result<http::Response>> count(Counted& counted, Principal /*principal*/,
                                   http::Request /*request*/) {
  const int run = ++counted.runs;
  if (counted.wait.count() > 0) co_await sleep_for(counted.wait);
  if (counted.status >= 400) co_return fail(Code::kUnavailable, "down", "Down.");
  auto response = http::json_response(counted.status, {{"run", run}});
  response.headers.add("Location", "/api/things/" + std::to_string(run));
  co_return response;
}

class Idempotency : public ::testing::Test {
 protected:
  Idempotency()
      : principal(sign_up("ada@example.com")),
        action(idempotent(api.server->services(), [this](Principal who, http::Request request) {
          return count(counted, std::move(who), std::move(request));
        })) {}

  Principal sign_up(std::string email) {
    Client client(api);
    client.sign_up(std::move(email));
    Principal who;
    who.user = *UserId::parse(client.user_id);
    who.client = *ClientId::parse(client.client_id);
    return who;
  }
  static http::Request request(std::string key, std::string body = "{}") {
    http::Request out;
    out.method = http::Method::kPost;
    out.path = "/api/things";
    out.body = std::move(body);
    if (!key.empty()) out.headers.add("Idempotency-Key", std::move(key));
    return out;
  }
  Result<http::Response> call(const Principal& who, http::Request asked) {
    return api.run(action(who, std::move(asked)));
  }

  Fixture api;
  Counted counted;
  Principal principal;
  Action action;
};

TEST_F(Idempotency, WithoutAKeyRunsEachTime) {
  call(principal, request(""));
  call(principal, request(""));
  EXPECT_EQ(counted.runs, 2);
}

TEST_F(Idempotency, ReplaysTheStoredAnswer) {
  const auto first = call(principal, request("k1"));
  const auto again = call(principal, request("k1"));
  EXPECT_EQ(counted.runs, 1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, 201);
  EXPECT_EQ(again->body, first->body);
  EXPECT_EQ(again->headers.get("location"), "/api/things/1");
  EXPECT_EQ(again->headers.get("content-type"), first->headers.get("content-type"));
  EXPECT_EQ(again->headers.get("idempotency-replayed"), "true");
  call(principal, request("k2"));
  EXPECT_EQ(counted.runs, 2);
}

TEST_F(Idempotency, RefusesAKeyForAnotherRequest) {
  call(principal, request("k1"));
  const auto other = call(principal, request("k1", R"({"a":1})"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "idempotency_key_reused");
  EXPECT_EQ(other.error().code, Code::kInvalid);
  auto elsewhere = request("k1");
  elsewhere.path = "/api/others";
  EXPECT_FALSE(call(principal, std::move(elsewhere)));
  EXPECT_EQ(counted.runs, 1);
}

TEST_F(Idempotency, OfAnotherUserIsAnotherKey) {
  call(principal, request("k1"));
  const auto bob = sign_up("bob@example.com");
  const auto answer = call(bob, request("k1"));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->headers.get("idempotency-replayed"));
  EXPECT_EQ(counted.runs, 2);
}

TEST_F(Idempotency, AtOnceRunsOnce) {
  counted.wait = std::chrono::milliseconds(200);
  std::vector<Task<Result<http::Response>>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(action(principal, request("k1")));
  int running = 0;
  for (const auto& answer : api.run_all(std::move(tasks))) {
    if (answer) continue;
    EXPECT_EQ(answer.error().reason, "idempotency_in_progress");
    EXPECT_EQ(answer.error().code, Code::kConflict);
    ++running;
  }
  EXPECT_EQ(counted.runs, 1);
  EXPECT_EQ(running, 4);
}

TEST_F(Idempotency, GivesTheKeyBackAfterTroubleOfOurs) {
  counted.status = 503;
  const auto down = call(principal, request("k1"));
  ASSERT_TRUE(down);
  EXPECT_EQ(down->status, 503);
  counted.status = 201;
  EXPECT_EQ(call(principal, request("k1"))->status, 201);
  EXPECT_EQ(counted.runs, 2);
}

TEST_F(Idempotency, ForgetsAfterADay) {
  call(principal, request("k1"));
  Fixture::sql("UPDATE idempotency_keys SET created_at = created_at - interval '23 hours'");
  call(principal, request("k1"));
  EXPECT_EQ(counted.runs, 1);
  Fixture::sql("UPDATE idempotency_keys SET created_at = created_at - interval '2 hours'");
  call(principal, request("k1"));
  EXPECT_EQ(counted.runs, 2);
}

TEST_F(Idempotency, TakesOverWhatACrashLeftRunning) {
  call(principal, request("k1"));
  Fixture::sql("UPDATE idempotency_keys SET status = NULL");
  EXPECT_FALSE(call(principal, request("k1")));
  Fixture::sql("UPDATE idempotency_keys SET created_at = created_at - interval '3 minutes'");
  EXPECT_TRUE(call(principal, request("k1")));
  EXPECT_EQ(counted.runs, 2);
}

TEST_F(Idempotency, KeysAreVisibleAscii) {
  EXPECT_FALSE(call(principal, request("a b")));
  EXPECT_FALSE(call(principal, request("a\tb")));
  EXPECT_FALSE(call(principal, request(std::string(256, 'k'))));
  EXPECT_TRUE(call(principal, request(std::string(255, 'k'))));
}

Task<Status> record(Fixture& api, Principal who, http::Response response) {
  auto tx = co_await api.db->begin(who.client);
  if (!tx) co_return fail(tx.error());
  const auto recorded = co_await record_answer(*tx, who, response);
  if (!recorded) co_return fail(recorded.error());
  auto committed = co_await tx->commit();
  co_return committed;
}

// A slow request whose key was taken over must not commit.
TEST_F(Idempotency, RecordedInTheTransactionIsRefusedToWhoLostTheKey) {
  call(principal, request("k1"));
  Fixture::sql("UPDATE idempotency_keys SET status = NULL");
  Principal late = principal;
  late.idempotency_key = "k1";
  late.idempotency_claim = Fixture::sql("SELECT created_at FROM idempotency_keys");
  auto response = http::json_response(202, {{"run", "late"}});
  EXPECT_TRUE(api.run(record(api, late, response)));
  EXPECT_EQ(call(principal, request("k1"))->body, R"({"run":"late"})");
  late.idempotency_claim = "2001-01-01 00:00:00+00";
  const auto refused = api.run(record(api, late, response));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "idempotency_in_progress");
}

}  // namespace
}  // namespace deployclaw::api
