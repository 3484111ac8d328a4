#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"
#include "domain/credential_testing.hpp"

// Test calls of credentials: the api asks and waits, egress claims and answers.
namespace deployclaw::store {

// How many tests a client may ask for within a minute, over all its agents.
inline constexpr std::int64_t kTestsPerMinute = 10;

// ---- The api's part.

// What a client asked for of late.
struct RecentTests {
  std::int64_t in_last_minute = 0;
  std::int64_t retry_after_seconds = 0;  // until the oldest of them is a minute old
  bool same_runs = false;                // of this very credential, one is not answered yet
};
// Locks the client's tests until the transaction ends, so that two who ask at once are counted.
Task<Result<RecentTests>> lock_recent_tests(db::Transaction& tx, ClientId client, AgentId agent,
                                            std::string credential);
Task<Result<CredentialTestId>> insert_test(db::Transaction& tx, ClientId client, AgentId agent,
                                           std::string credential, UserId user);

struct TestAnswer {
  domain::TestReason reason = domain::TestReason::kEgressSilent;
  std::optional<std::int64_t> status;  // of the service's HTTP answer
  std::string answered_at;             // RFC 3339
};
// nullopt while it waits. One that was not answered within thirty seconds will not be: egress is
// silent.
Task<Result<std::optional<TestAnswer>>> find_test_answer(db::Database& db, ClientId client,
                                                         CredentialTestId test);

// ---- Egress's part.

struct ClaimedTest {
  CredentialTestId id;
  ClientId client;
  AgentId agent;
  std::string credential;
};
// What waits for agents of `host`: each is given out once.
Task<Result<std::vector<ClaimedTest>>> claim_tests(db::Database& db, std::string host);
// False when nobody waits for it any more, or it is not that client's.
Task<Result<bool>> answer_test(db::Database& db, CredentialTestId test, ClientId client,
                               domain::TestReason reason, int status);

}  // namespace deployclaw::store
