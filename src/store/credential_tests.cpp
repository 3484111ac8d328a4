#include "store/credential_tests.hpp"

namespace deployclaw::store {

constexpr db::Statement kLockTests{
    "credential_tests_lock",
    "SELECT pg_advisory_xact_lock(hashtextextended('credential-test:' || $1::text, 0))"};

constexpr db::Statement kRecentTests{
    "credential_tests_recent",
    "SELECT count(*), "
    "  coalesce(ceil(extract(epoch FROM min(created_at) + interval '1 minute' "
    "    - clock_timestamp())), 0)::bigint, "
    "  coalesce(bool_or(agent_id = $2 AND credential = $3 AND answered_at IS NULL "
    "    AND created_at > clock_timestamp() - interval '30 seconds'), false) "
    "FROM credential_tests "
    "WHERE client_id = $1 AND created_at > clock_timestamp() - interval '1 minute'"};

Task<Result<RecentTests>> lock_recent_tests(db::Transaction& tx, ClientId client, AgentId agent,
                                            std::string credential) {
  auto lock = db::Params::of(client);
  const auto locked = co_await tx.query(kLockTests, std::move(lock));
  if (!locked) co_return context("lock credential tests", locked.error());
  auto params = db::Params::of(client, agent, credential);
  const auto rows = co_await tx.query(kRecentTests, std::move(params));
  if (!rows) co_return context("count credential tests", rows.error());
  const auto row = rows->front();
  co_return RecentTests{.in_last_minute = row.int64(0),
                        .retry_after_seconds = row.int64(1),
                        .same_runs = row.boolean(2)};
}

constexpr db::Statement kInsertTest{
    "credential_tests_insert",
    "INSERT INTO credential_tests (client_id, agent_id, credential, requested_by) "
    "VALUES ($1, $2, $3, $4) RETURNING id"};

Task<Result<CredentialTestId>> insert_test(db::Transaction& tx, ClientId client, AgentId agent,
                                           std::string credential, UserId user) {
  auto params = db::Params::of(client, agent, credential, user);
  const auto rows = co_await tx.query(kInsertTest, std::move(params));
  if (!rows) co_return context("insert credential test", rows.error());
  co_return rows->front().id<CredentialTestTag>(0);
}

constexpr db::Statement kFindAnswer{
    "credential_tests_answer",
    "SELECT reason, status, "
    "  to_char(coalesce(answered_at, clock_timestamp()) AT TIME ZONE 'UTC', "
    "    'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') "
    "FROM credential_tests WHERE id = $1 "
    "AND (answered_at IS NOT NULL OR created_at <= clock_timestamp() - interval '30 seconds')"};

Task<Result<std::optional<TestAnswer>>> find_test_answer(db::Database& db, ClientId client,
                                                         CredentialTestId test) {
  auto params = db::Params::of(test);
  const auto rows = co_await db.query(client, kFindAnswer, std::move(params));
  if (!rows) co_return context("read credential test", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  TestAnswer answer{.status = row.maybe_int64(1), .answered_at = row.string(2)};
  if (const auto name = row.maybe_string(0)) {
    answer.reason =
        domain::parse_test_reason(*name).value_or(domain::TestReason::kUnexpectedAnswer);
  }
  co_return answer;
}

constexpr db::Statement kClaimTests{
    "credential_tests_claim",
    "SELECT test, client, agent, credential_name FROM credential_test.claim($1)"};

Task<Result<std::vector<ClaimedTest>>> claim_tests(db::Database& db, std::string host) {
  auto params = db::Params::of(host);
  const auto rows = co_await db.query(kClaimTests, std::move(params));
  if (!rows) co_return context("claim credential tests", rows.error());
  std::vector<ClaimedTest> tests;
  for (const auto row : *rows) {
    tests.push_back({.id = row.id<CredentialTestTag>(0),
                     .client = row.id<ClientTag>(1),
                     .agent = row.id<AgentTag>(2),
                     .credential = row.string(3)});
  }
  co_return tests;
}

constexpr db::Statement kAnswerTest{"credential_tests_say",
                                    "SELECT credential_test.answer($1, $2, $3, nullif($4, 0))"};

Task<Result<bool>> answer_test(db::Database& db, CredentialTestId test, ClientId client,
                               domain::TestReason reason, int status) {
  auto params = db::Params::of(test, client, domain::to_string(reason), status);
  const auto rows = co_await db.query(kAnswerTest, std::move(params));
  if (!rows) co_return context("answer credential test", rows.error());
  co_return rows->front().boolean(0);
}

}  // namespace deployclaw::store
