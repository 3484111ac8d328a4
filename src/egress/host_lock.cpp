#include "egress/host_lock.hpp"

#include "base/log.hpp"

namespace deployclaw::egress {

namespace {
constexpr std::chrono::milliseconds kRetry{1'000};
constexpr std::chrono::milliseconds kPing{2'000};
// The database may take a while to notice that our own former connection has gone.
constexpr int kOurOwn = 10;
}  // namespace

constexpr db::Statement kTryLock{
    "egress_try_host_lock",
    "SELECT pg_try_advisory_xact_lock(hashtextextended('egress:' || $1::text, 0))"};
constexpr db::Statement kStillThere{"egress_host_lock_ping", "SELECT true"};

HostLock::HostLock(db::Database& db, std::string host, std::function<void(bool held)> on_change)
    : db_(db), host_(std::move(host)), on_change_(std::move(on_change)) {}

Task<void> HostLock::run() {
  while (true) {
    const auto ended = co_await hold();
    if (!ended && ended.error().code == Code::kCancelled) co_return;
    if (ended && !*ended) note_another();
    const bool slept = co_await sleep_for(kRetry);
    if (!slept) co_return;
  }
}

// False when another has it; else how its connection ended.
Task<Result<bool>> HostLock::hold() {
  auto transaction = co_await db_.begin();
  if (!transaction) co_return fail(transaction.error());
  auto params = db::Params::of(host_);
  const auto got = co_await transaction->query(kTryLock, std::move(params));
  if (!got) co_return fail(got.error());
  if (!got->front().boolean(0)) {
    co_await transaction->rollback();
    co_return false;
  }
  seen_another_ = 0;
  told_ = false;
  held_ = true;
  on_change_(true);
  while (true) {
    const bool slept = co_await sleep_for(kPing);
    if (!slept) co_return fail(Code::kCancelled, "stopped");
    const auto there = co_await transaction->query(kStillThere);
    if (!there) co_return fail(there.error());
  }
}

void HostLock::note_another() {
  ++seen_another_;
  if (held_ && seen_another_ < kOurOwn) return;
  if (!told_) {
    told_ = true;
    log::error("another egress process works for this host: nothing that has a limit is sent",
               {{"host", host_}});
  }
  if (held_) on_change_(false);
  held_ = false;
}

}  // namespace deployclaw::egress
