// What an agent gets, and what is told, when the ledger refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "domain/default_limits.hpp"
#include "egress/testing/worker_rig.hpp"

namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::WorkerRig;

class WorkerLimit : public ::testing::Test {
 protected:
  WorkerLimit() { rig.configure(rig.config()); }
  void refuse_with(const LimitRefusal& refusal) {
    rig.on_charge = [refusal](const RecordMessage& intent) {
      return IntentAnswer{.id = intent.id, .limit = refusal};
    };
  }
  std::string ask() {
    auto agent = rig.connect();
    agent.send(rig.get("/"));
    return agent.read_until("}");
  }

  WorkerRig rig;
};

TEST_F(WorkerLimit, ARequestIsChargedToTheScopeOfItsRule) {
  auto agent = rig.connect();
  agent.send(rig.get("/"));
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(rig.told(RecordKind::kIntent).charge,
            Charge{.scope = *domain::scope_index("api:outbound")});
}

TEST_F(WorkerLimit, ALimitIsA429ThatNamesItAndWhenToComeBack) {
  refuse_with({.kind = LimitRefusal::Kind::kRate,
               .scope = *domain::scope_index("api:outbound"),
               .window = domain::Window::kDay,
               .max = 7,
               .retry_after_seconds = 1'234});
  const auto answer = ask();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1234\r\n"));
  for (const auto* part :
       {R"("code":"rate_limited")", R"("layer":"rate")", R"("scope":"api:outbound")",
        R"("window":"day")", R"("max":7)", R"("retryAfter":1234)"}) {
    EXPECT_THAT(answer, HasSubstr(part));
  }
  EXPECT_EQ(rig.origin.connections(), 0U);
  const auto event = rig.told(RecordKind::kEvent);
  EXPECT_EQ(event.json.at("outcome"), "denied");
  EXPECT_EQ(event.json.at("metadata").at("layer"), "rate");
  EXPECT_EQ(event.json.at("metadata").at("max"), 7);
  rig.settle();
  for (const auto& record : rig.records()) EXPECT_NE(record.kind, RecordKind::kOutcome);
}

TEST_F(WorkerLimit, WhatIsNotKnownYetIsA503) {
  refuse_with({.kind = LimitRefusal::Kind::kNotReady, .retry_after_seconds = 5});
  const auto answer = ask();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("limits_not_ready"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 5\r\n"));
}

}  // namespace
}  // namespace deployclaw::egress
