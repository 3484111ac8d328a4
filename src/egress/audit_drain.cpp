#include "egress/audit_drain.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <tuple>

#include "base/encoding.hpp"
#include "base/log.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

namespace {
constexpr std::size_t kStretchBytes = 256UL * 1024;
// Time for short requests to end, so that most become one record.
constexpr std::chrono::milliseconds kGather{500};
constexpr std::chrono::milliseconds kRetry{2'000};
constexpr int kDeepest = 64;
// No JSON object, so the log notes it as unreadable.
constexpr const char* kUnreadable = "unreadable";

// False for what the database would refuse together with everything beside it, again and again:
// text that is none in its encoding, or nested beyond its stack. A linear look, no parsing.
bool can_be_stored(std::string_view json) {
  if (json.contains('\0') || !is_utf8(json)) return false;
  int depth = 0;
  bool quoted = false;
  bool escaped = false;
  for (const char c : json) {
    if (quoted) {
      if (c == '"' && !escaped) quoted = false;
      escaped = c == '\\' && !escaped;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return false;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return true;
}

}  // namespace

std::vector<store::SpooledEvent> pair_up(std::vector<SpoolRecord> records) {
  std::vector<store::SpooledEvent> events;
  std::map<std::tuple<std::uint64_t, std::uint64_t, ClientId>, std::size_t> intents;
  for (auto& record : records) {
    if (!can_be_stored(record.json)) record.json = kUnreadable;
    const auto key = std::tuple(record.worker, record.id, record.client);
    if (record.kind == RecordKind::kIntent) {
      intents[key] = events.size();
      events.push_back({.client = record.client,
                        .agent = record.agent,
                        .intent = std::move(record.json),
                        .outcome = {}});
      continue;
    }
    const auto found = intents.find(key);
    if (record.kind == RecordKind::kOutcome && found != intents.end()) {
      events[found->second].outcome = std::move(record.json);
      intents.erase(found);
      continue;
    }
    events.push_back({.client = record.client,
                      .agent = record.agent,
                      .intent = {},
                      .outcome = std::move(record.json)});
  }
  return events;
}

AuditDrain::AuditDrain(asio::any_io_executor executor, db::Database& db, AuditIntake& intake,
                       std::string host)
    : db_(db),
      intake_(intake),
      spool_(std::move(host) + "/" + intake.spool().name()),
      alarm_(std::move(executor)) {}

void AuditDrain::wake() {
  awake_ = true;
  alarm_.cancel();
}

Task<void> AuditDrain::run() {
  while (true) {
    auto drained = co_await drain();
    std::chrono::milliseconds wait = kGather;
    if (!drained) {
      if (drained.error().code == Code::kCancelled) co_return;
      log::warn("audit records wait in the spool",
                {{"cause", drained.error().message}, {"bytes", intake_.waiting_bytes()}});
      wait = kRetry;
    } else if (!awake_) {
      alarm_.expires_after(std::chrono::hours(1));
      co_await alarm_.async_wait(kAsTuple);
    }
    awake_ = false;
    const bool slept = co_await sleep_for(wait);
    if (!slept) co_return;
  }
}

Task<Status> AuditDrain::drain() {
  while (true) {
    const auto wrote = co_await write_one_stretch();
    if (!wrote) co_return fail(wrote.error());
    if (!*wrote) co_return Status{};
  }
}

Task<Result<bool>> AuditDrain::write_one_stretch() {
  if (!position_) {
    auto found = co_await find_position();
    if (!found) co_return fail(found.error());
  }
  auto stretch = intake_.spool().read(*position_, kStretchBytes);
  if (!stretch) co_return fail(stretch.error());
  if (stretch->records.empty()) co_return false;
  auto written = co_await write(std::move(*stretch));
  if (!written) co_return fail(written.error());
  co_return true;
}

Task<Status> AuditDrain::find_position() {
  auto position = co_await store::spool_position(db_, spool_);
  if (!position) co_return fail(position.error());
  const auto begin = intake_.spool().begin();
  if (*position < begin) {
    // The database is older than what was thrown away because it had it: it was restored.
    log::error("audit records are missing: the database is older than the spool",
               {{"from", *position}, {"to", begin}});
    std::vector<store::SpooledEvent> none;
    auto moved = co_await store::append_spooled(db_, spool_, *position, begin, std::move(none));
    if (!moved) co_return fail(moved.error());
    position = *moved;
  }
  position_ = *position;
  intake_.discard_before(*position);
  co_return Status{};
}

Task<Status> AuditDrain::write(Spool::Stretch stretch) {
  const auto from = *position_;
  auto events = pair_up(std::move(stretch.records));
  const auto written =
      co_await store::append_spooled(db_, spool_, from, stretch.end, std::move(events));
  if (!written) co_return fail(written.error());
  position_ = *written;
  if (*written == stretch.end) intake_.discard_before(*written);
  co_return Status{};
}

}  // namespace deployclaw::egress
