#include "egress/audit_drain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <climits>

#include "base/await.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "egress/spooled_charges.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {
constexpr std::size_t kStretchBytes = 256UL * 1024;
// Time for short requests to end, so that most become one record.
constexpr std::chrono::milliseconds kGather{500};
constexpr std::chrono::milliseconds kRetry{2'000};
// 16 MiB: what a database that answers takes in a few seconds.
constexpr int kMostAtStop = 64;
constexpr int kDeepest = 64;
// No JSON object, so the log notes it as unreadable.
constexpr const char* kUnreadable = "unreadable";
constexpr const char* kNothing = "{}";

// Whether its brackets, quoted ones included, are too few to nest deeper than kDeepest. Nearly all
// records end here.
bool opens_few(std::string_view json) {
  return std::ranges::count(json, '[') + std::ranges::count(json, '{') <= kDeepest;
}

bool is_nested_deep(std::string_view json) {
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
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// False for what the database would refuse together with everything beside it, again and again:
// text that is none in its encoding, or nested beyond its stack. A linear look, no parsing.
bool can_be_stored(std::string_view json) {
  if (json.contains('\0') || !is_utf8(json)) return false;
  return opens_few(json) || !is_nested_deep(json);
}

// What the two records of one intent have in common when they come into the log apart.
std::string name_of(const OpenIntent& intent) {
  return fmt::format("{:016x}-{}", intent.worker, intent.id);
}
std::string pending(const OpenIntent& intent) {
  return fmt::format(R"({{"outcome":"pending","metadata":{{"intent":"{}"}}}})", name_of(intent));
}
std::string earlier(const OpenIntent& intent) {
  return fmt::format(R"({{"metadata":{{"intent":"{}"}}}})", name_of(intent));
}

}  // namespace

std::vector<store::SpooledEvent> pair_up(std::vector<SpoolRecord> records) {
  std::vector<store::SpooledEvent> events;
  events.reserve(records.size());
  boost::unordered_flat_map<OpenIntent, std::size_t> intents;
  for (auto& record : records) {
    if (record.kind == RecordKind::kOpen || record.kind == RecordKind::kLower) continue;
    if (!can_be_stored(record.json)) record.json = kUnreadable;
    const OpenIntent key{
        .client = record.client, .agent = record.agent, .worker = record.worker, .id = record.id};
    if (record.kind == RecordKind::kIntent) {
      const auto [place, is_new] = intents.try_emplace(key, events.size());
      if (!is_new) {  // a worker that lies: the one before stays without an end
        events[place->second].outcome = pending(key);
        place->second = events.size();
      }
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
    const bool late = record.kind == RecordKind::kOutcome;
    events.push_back({.client = record.client,
                      .agent = record.agent,
                      .intent = late ? earlier(key) : kNothing,
                      .outcome = std::move(record.json)});
  }
  for (const auto& [key, at] : intents) events[at].outcome = pending(key);
  return events;
}

AuditDrain::AuditDrain(asio::any_io_executor executor, db::Database& db, AuditIntake& intake,
                       std::string host)
    : db_(db),
      intake_(intake),
      host_(std::move(host)),
      spool_(host_ + "/" + intake.spool().name()),
      alarm_(std::move(executor)) {}

void AuditDrain::wake() {
  awake_ = true;
  alarm_.cancel();
}

Task<void> AuditDrain::run() {
  while (true) {
    auto drained = co_await run_once();
    std::chrono::milliseconds wait = kGather;
    if (!drained) {
      if (drained.error().code == Code::kCancelled) co_return;
      log::warn("audit records wait in the spool",
                {{"cause", drained.error().message}, {"bytes", intake_.waiting_bytes()}});
      wait = kRetry;
    } else if (!awake_ && intake_.tell_of_more(position_.value_or(0))) {
      alarm_.expires_after(std::chrono::hours(1));
      co_await alarm_.async_wait(kAwait);
    }
    awake_ = false;
    const bool slept = co_await sleep_for(wait);
    if (!slept) co_return;
  }
}

Task<Status> AuditDrain::run_once() {
  Status prepared;
  if (before_writing_) {
    if (!position_) prepared = co_await find_position();
    if (position_) prepared = co_await before_writing_(*position_);
  }
  auto drained = co_await drain();
  co_return drained ? prepared : drained;
}

Task<Status> AuditDrain::drain() {
  auto drained = co_await drain_until(UINT64_MAX, INT_MAX);
  co_return drained;
}

// Workers that do not cease to send would otherwise put a stop off for ever. What is left is in the
// spool, for the next start.
Task<Status> AuditDrain::drain_last() {
  auto drained = co_await drain_until(intake_.spool().durable_end(), kMostAtStop);
  co_return drained;
}

Task<Status> AuditDrain::drain_until(std::uint64_t end, int most_stretches) {
  for (int written = 0; written < most_stretches; ++written) {
    const auto wrote = co_await write_one_stretch();
    if (!wrote) co_return fail(wrote.error());
    if (!*wrote || *position_ >= end) co_return Status{};
  }
  co_return Status{};
}

Task<Result<bool>> AuditDrain::write_one_stretch() {
  if (!position_) {
    auto found = co_await find_position();
    if (!found) co_return fail(found.error());
  }
  auto stretch = intake_.spool().read(*position_, kStretchBytes);
  if (!stretch) co_return fail(stretch.error());
  if (stretch->end == *position_) co_return false;
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
  if (*position > intake_.spool().known_end()) {
    log::error("the audit spool lost records that the database has: it begins anew",
               {{"from", intake_.spool().known_end()}, {"to", *position}});
    auto begun = co_await begin_new_history();
    co_return begun;
  }
  position_ = *position;
  intake_.discard_before(*position);
  co_return Status{};
}

// The disk lost what it had called durable, and what is written now has positions that the database
// takes for known. Under another name they are new.
Task<Status> AuditDrain::begin_new_history() {
  auto& spool = intake_.spool();
  const auto known = spool.known_end();
  if (auto renamed = spool.rename(); !renamed) co_return renamed;
  spool_ = host_ + "/" + spool.name();
  std::vector<store::SpooledEvent> none;
  auto moved = co_await store::append_spooled(db_, spool_, 0, known, std::move(none));
  if (!moved) co_return fail(moved.error());
  position_ = *moved;
  intake_.discard_before(*moved);
  co_return Status{};
}

Task<Status> AuditDrain::write(Spool::Stretch stretch) {
  const auto from = *position_;
  auto charges = to_charges(stretch.records);
  auto events = pair_up(std::move(stretch.records));
  if (stretch.lost > 0) events.push_back(tell_lost(stretch));
  const auto written = co_await store::append_spooled(db_, spool_, from, stretch.end,
                                                      std::move(events), std::move(charges));
  if (!written) co_return fail(written.error());
  position_ = *written;
  if (*written != stretch.end) co_return Status{};
  intake_.spool().note_known(*written);
  lost_bytes_ += stretch.lost;
  intake_.discard_before(*written);
  co_return Status{};
}

store::SpooledEvent AuditDrain::tell_lost(const Spool::Stretch& stretch) {
  const auto from = stretch.end - stretch.lost;
  const bool kept = intake_.spool().keep_aside(from);
  log::error("audit records are lost: the spool cannot be read",
             {{"from", from}, {"bytes", stretch.lost}, {"kept", kept}});
  return {
      .client = {},
      .agent = {},
      .intent = kNothing,
      .outcome = fmt::format(
          R"({{"actionType":"audit_records_lost","outcome":"failure","metadata":{{)"
          R"("bytes":{},"position":{},"kept":{},"detail":"the audit spool could not be read"}}}})",
          stretch.lost, from, kept)};
}

}  // namespace deployclaw::egress
