#include "domain/deployment.hpp"

#include <gtest/gtest.h>

#include <set>

namespace deployclaw::domain {
namespace {

using namespace std::chrono_literals;
using State = DeploymentState;

const Time kStart{1'750'000'000s};
const std::vector<State> kAll{State::kQueued,   State::kPulling,    State::kCreating,
                              State::kStarting, State::kVerifying,  State::kLive,
                              State::kFailed,   State::kRolledBack, State::kCancelled};

TEST(DeploymentState, NamesReadBack) {
  for (const State state : kAll) EXPECT_EQ(parse_deployment_state(to_string(state)), state);
  EXPECT_EQ(parse_deployment_state("alive"), std::nullopt);
}

TEST(DeploymentState, OnlyTheLegalMovesAreAllowed) {
  const std::set<std::pair<State, State>> forward{{State::kQueued, State::kPulling},
                                                  {State::kPulling, State::kCreating},
                                                  {State::kCreating, State::kStarting},
                                                  {State::kStarting, State::kVerifying},
                                                  {State::kVerifying, State::kLive}};
  for (const State from : kAll) {
    for (const State to : kAll) {
      const bool ends = to == State::kFailed || to == State::kCancelled;
      const bool legal = forward.contains({from, to}) || (is_active(from) && ends);
      EXPECT_EQ(may_move(from, to, false), legal) << to_string(from) << " " << to_string(to);
    }
  }
}

TEST(DeploymentState, ARollbackStartsOverAndNeverEndsLive) {
  for (const State from : kAll) {
    EXPECT_EQ(may_move(from, State::kPulling, true), is_active(from)) << to_string(from);
    EXPECT_FALSE(may_move(from, State::kLive, true));
    EXPECT_EQ(may_move(from, State::kRolledBack, true), from == State::kVerifying);
    EXPECT_FALSE(may_move(from, State::kRolledBack, false));
  }
}

Trial good() {
  return {.running = true,
          .started_at = kStart,
          .deadline = 180s,
          .probe = {.good_in_row = 3, .ever_ready = true}};
}

TEST(Verdict, LiveNeedsThreeGoodProbesAndTenSeconds) {
  const VerdictRules rules;
  EXPECT_EQ(judge(rules, good(), kStart + 10s).verdict, Verdict::kLive);
  EXPECT_EQ(judge(rules, good(), kStart + 9999ms).verdict, Verdict::kPending);
  Trial two = good();
  two.probe.good_in_row = 2;
  EXPECT_EQ(judge(rules, two, kStart + 179s).verdict, Verdict::kPending);
}

TEST(Verdict, FailsAtTheDeadlineWithTheLastProbe) {
  Trial trial = good();
  trial.probe = {.bad_in_row = 9, .last = "/readyz answered 503"};
  const Judgement judgement = judge({}, trial, kStart + 180s);
  EXPECT_EQ(judgement.verdict, Verdict::kFailed);
  EXPECT_EQ(judgement.reason,
            "the agent was not ready within 180 s; last probe: /readyz answered 503");
}

TEST(Verdict, FailsAtOnceWhenItExited) {
  Trial trial = good();
  trial.running = false;
  trial.exit_code = 78;
  EXPECT_EQ(judge({}, trial, kStart + 1s).reason,
            "the agent exited with code 78 before it was ready");
  trial.exit_code = 137;
  EXPECT_EQ(describe_exit(137, false), "was killed (signal 9, exit code 137)");
  EXPECT_EQ(describe_exit(137, true), "ran out of memory and was killed");
}

}  // namespace
}  // namespace deployclaw::domain
