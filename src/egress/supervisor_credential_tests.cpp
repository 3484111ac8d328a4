#include "base/log.hpp"
#include "egress/supervisor.hpp"

// Tests of credentials that people ask for: claimed before the policy is read, so that the value
// that is tried is the one that was there when they asked, or a newer one.
namespace deployclaw::egress {

namespace {
// Who asked has gone before the answer to a later one could be there.
constexpr std::chrono::seconds kMostWait{20};
}  // namespace

// What cannot be claimed now waits, and is told as unanswered after thirty seconds.
Task<void> Supervisor::claim_tests() {
  auto host = config_.host_name;
  auto claimed = co_await store::claim_tests(parts_.db, std::move(host));
  if (!claimed) {
    if (claimed.error().code != Code::kCancelled) {
      log::warn("tests of credentials cannot be claimed", {{"cause", claimed.error().message}});
    }
    co_return;
  }
  const auto now = std::chrono::steady_clock::now();
  for (auto& test : *claimed) tests_.push_back({.test = std::move(test), .claimed_at = now});
}

void Supervisor::begin_tests() {
  for (auto& waiting : std::exchange(tests_, {})) {
    const auto found = clients_.find(waiting.test.client);
    if (found == clients_.end()) {
      answer_test(waiting.test.id, waiting.test.client, domain::TestReason::kNoPolicy, 0);
      continue;
    }
    auto& client = found->second;
    client.tests.push_back(std::move(waiting));
    (void)worker_of(client);
    hand_over_tests(client);
  }
}

// A worker that is still to hear of the newest policy gets them behind it.
void Supervisor::hand_over_tests(Client& client) {
  if (!client.worker || client.worker->version() != client.version) return;
  const auto oldest = std::chrono::steady_clock::now() - kMostWait;
  for (const auto& [test, claimed_at] : std::exchange(client.tests, {})) {
    if (claimed_at < oldest) continue;
    const TestMessage message{.id = test.id, .agent = test.agent, .credential = test.credential};
    if (client.worker->hand_over(encode(message), linux::UniqueFd())) {
      client.given_tests.insert(test.id);
    } else {
      answer_test(test.id, test.client, domain::TestReason::kBusy, 0);
    }
  }
}

// One for each that was given, whatever a worker says: nobody asks the database more often.
void Supervisor::take_test_answer(ClientId id, const TestAnswerMessage& answer) {
  const auto client = clients_.find(id);
  if (client == clients_.end() || client->second.given_tests.erase(answer.id) == 0) return;
  answer_test(answer.id, id, answer.reason, answer.status);
}

// The database checks besides whose test it is.
void Supervisor::answer_test(CredentialTestId test, ClientId client, domain::TestReason reason,
                             int status) {
  tasks_.spawn("answer a test",
               [](db::Database* db, CredentialTestId id, ClientId owner, domain::TestReason why,
                  int code) -> Task<void> {
                 const auto answered = co_await store::answer_test(*db, id, owner, why, code);
                 if (!answered) {
                   log::warn("a test of a credential is not answered",
                             {{"cause", answered.error().message}});
                 }
               }(&parts_.db, test, client, reason, status));
}

}  // namespace deployclaw::egress
