#include "egress/approval_keeper.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>

#include "base/log.hpp"
#include "domain/default_limits.hpp"

namespace deployclaw::egress {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kLook{1};
constexpr int kLooksForAll = 10;
constexpr int kLooksForTidying = 60;
constexpr std::size_t kMostDecided = 10'000;

ApprovalVerdict verdict_of(std::string_view word) {
  if (word == "pending") return ApprovalVerdict::kPending;
  if (word == "used") return ApprovalVerdict::kUsed;
  if (word == "denied") return ApprovalVerdict::kDenied;
  if (word == "expired") return ApprovalVerdict::kExpired;
  if (word == "gone") return ApprovalVerdict::kGone;
  if (word == "full") return ApprovalVerdict::kFull;
  return ApprovalVerdict::kUnavailable;
}

}  // namespace

ApprovalKeeper::ApprovalKeeper(boost::asio::any_io_executor executor, db::Database& db,
                               std::chrono::seconds lifetime, CheckLimits check_limits, Tell tell)
    : db_(db),
      lifetime_(lifetime),
      check_limits_(std::move(check_limits)),
      tell_(std::move(tell)),
      tasks_(std::move(executor)) {}

void ApprovalKeeper::answer(const Key& key, ApprovalVerdict verdict, ApprovalId id, Time expires_at,
                            std::optional<LimitRefusal> limit) {
  tell_(
      key.first,
      {.hold = key.second, .verdict = verdict, .id = id, .expires_at = expires_at, .limit = limit});
}

// ---- What workers say.

void ApprovalKeeper::take_text(const Asker& asker, ApprovalTextMessage piece) {
  auto& texts = texts_[asker];
  std::size_t all = piece.bytes.size() + asking_[asker];
  for (const auto& [hold, text] : texts) all += text.size();
  if (all > kMostText || texts.size() >= kMostHolds) {
    // A question without its text is refused.
    texts.erase(piece.hold);
    return;
  }
  texts[piece.hold] += piece.bytes;
}

void ApprovalKeeper::ask(const Asker& asker, ApprovalMessage question) {
  const Key key{asker, question.hold};
  auto text = std::exchange(texts_[asker][question.hold], {});
  texts_[asker].erase(question.hold);
  const bool asked_already = holds_.contains(key);
  if (text.empty() || asked_already || holds_.size() >= kMostHolds) {
    answer(key, ApprovalVerdict::kUnavailable);
    return;
  }
  holds_[key] = {.agent = question.agent,
                 .digest = question.digest,
                 .scope = domain::scope_index(question.scope).value_or(kNoScope)};
  asking_[asker] += text.size();
  tasks_.spawn("ask for an approval", ask_for(key, std::move(question), std::move(text)));
}

void ApprovalKeeper::drop(const Asker& asker, std::uint64_t hold) {
  holds_.erase({asker, hold});
  if (const auto texts = texts_.find(asker); texts != texts_.end()) texts->second.erase(hold);
}

void ApprovalKeeper::worker_gone(const Asker& asker) {
  std::erase_if(holds_, [&](const auto& entry) { return entry.first.first == asker; });
  grants_.forget_lent_to(asker);
  texts_.erase(asker);
  asking_.erase(asker);
}

void ApprovalKeeper::keep_back(const Asker& asker, std::uint64_t hold) {
  grants_.give_back({asker, hold});
}

// True when there is one for exactly what that hold asks.
bool ApprovalKeeper::lend_kept(const Key& key, const Hold& hold) {
  const auto grant = grants_.take(key.first.client, hold.agent, hold.digest, clock_.now());
  if (!grant) return false;
  grants_.lend(key, *grant);
  holds_.erase(key);
  answer(key, ApprovalVerdict::kUsed, grant->id, grant->expires_at);
  return true;
}

// ---- What the database says.

Task<void> ApprovalKeeper::ask_for(Key key, ApprovalMessage question, std::string text) {
  const auto agent = question.agent;
  const auto scope = domain::scope_index(question.scope).value_or(kNoScope);
  const auto size = text.size();
  const auto limit = co_await check_limits_(agent, scope);
  const auto hold = holds_.find(key);
  if (hold == holds_.end()) {
    // It has gone, and nobody is asked for it.
  } else if (limit) {
    holds_.erase(hold);
    answer(key, ApprovalVerdict::kLimited, {}, {}, limit);
  } else if (!lend_kept(key, hold->second)) {
    co_await ask_database(key, std::move(question), std::move(text));
  }
  if (const auto asking = asking_.find(key.first); asking != asking_.end()) {
    asking->second -= std::min(asking->second, size);
  }
}

Task<void> ApprovalKeeper::ask_database(Key key, ApprovalMessage question, std::string text) {
  const auto digest = question.digest;
  const auto agent = question.agent;
  store::ApprovalQuestion asked{.client = key.first.client,
                                .agent = question.agent,
                                .digest = question.digest,
                                .scope = std::move(question.scope),
                                .target = std::move(question.target),
                                .rendered = std::move(text),
                                .lifetime = lifetime_};
  const auto reply = co_await store::ask_approval(db_, std::move(asked));
  const auto hold = holds_.find(key);
  const bool pending = reply && reply->verdict == "pending" && reply->id && reply->expires_at;
  if (reply && reply->verdict == "used" && reply->id && reply->expires_at) {
    ++used_;
    const ApprovalGrants::Grant grant{.client = key.first.client,
                                      .agent = agent,
                                      .digest = digest,
                                      .id = *reply->id,
                                      .expires_at = *reply->expires_at};
    hold == holds_.end() ? grants_.keep(grant) : grants_.lend(key, grant);
  }
  if (hold == holds_.end()) co_return;
  if (!reply) {
    log::warn("an approval cannot be asked for", {{"cause", reply.error().message}});
    holds_.erase(hold);
    answer(key, ApprovalVerdict::kUnavailable);
    co_return;
  }
  const auto id = reply->id.value_or(ApprovalId());
  const auto expires_at = reply->expires_at.value_or(Time());
  if (pending) {
    hold->second.id = id;
    hold->second.expires_at = expires_at;
  } else {
    holds_.erase(hold);
  }
  answer(key, verdict_of(reply->verdict), id, expires_at);
  const auto decided = decided_.find(id);
  if (!pending || decided == decided_.end()) co_return;
  auto state = decided->second;
  co_await settle_one(key, id, std::move(state));
}

void ApprovalKeeper::on_notification(std::string_view payload) {
  boost::system::error_code error;
  const auto value = json::parse({payload.data(), payload.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto text = [object](std::string_view name) -> std::string {
    const auto* member = object != nullptr ? object->if_contains(name) : nullptr;
    const auto* string = member != nullptr ? member->if_string() : nullptr;
    return string != nullptr ? std::string(*string) : std::string();
  };
  const auto id = ApprovalId::parse(text("id"));
  auto state = text("state");
  if (!id || state.empty() || state == "pending") return;
  if (const auto agent = AgentId::parse(text("agentId")); agent && state == "denied") {
    grants_.forget_of(*agent);
  }
  if (decided_.size() >= kMostDecided) decided_.clear();
  decided_[*id] = state;
  tasks_.spawn("settle an approval", settle(*id, std::move(state)));
}

void ApprovalKeeper::look_at_all() {
  look_at_all_ = true;
  grants_.forget_all();  // a denial may have been missed
}

Task<void> ApprovalKeeper::settle(ApprovalId id, std::string state) {
  std::vector<Key> keys;
  for (const auto& [key, hold] : holds_) {
    if (hold.id == id) keys.push_back(key);
  }
  for (const auto& key : keys) {
    auto copy = state;
    co_await settle_one(key, id, std::move(copy));
  }
}

Task<void> ApprovalKeeper::settle_one(Key key, ApprovalId id, std::string state) {
  auto hold = holds_.find(key);
  if (hold == holds_.end() || hold->second.id != id || hold->second.looking) co_return;
  hold->second.looking = true;
  const auto agent = hold->second.agent;
  const bool may_be_granted = state.empty() || state == "granted";
  if (may_be_granted && hold->second.expires_at > clock_.now()) {
    const auto scope = hold->second.scope;
    const auto limit = co_await check_limits_(agent, scope);
    hold = holds_.find(key);
    if (hold == holds_.end() || hold->second.id != id) co_return;
    if (limit) {
      hold->second.looking = false;
      if (state.empty()) co_return;  // it may as well wait for its person: looked at again later
      const auto expires_at = hold->second.expires_at;
      holds_.erase(hold);
      answer(key, ApprovalVerdict::kLimited, id, expires_at, limit);
      co_return;
    }
  }
  const ApprovalGrants::Grant grant{.client = key.first.client,
                                    .agent = agent,
                                    .digest = hold->second.digest,
                                    .id = id,
                                    .expires_at = hold->second.expires_at};
  const auto word = co_await store::take_approval(db_, key.first.client, agent, id);
  hold = holds_.find(key);
  const bool there = hold != holds_.end() && hold->second.id == id;
  if (there) hold->second.looking = false;
  if (!word) {  // looked at again later
    log::warn("an approval cannot be looked at", {{"cause", word.error().message}});
    co_return;
  }
  const auto verdict = verdict_of(*word);
  if (verdict == ApprovalVerdict::kUsed) {
    ++used_;
    there ? grants_.lend(key, grant) : grants_.keep(grant);
  }
  if (!there || verdict == ApprovalVerdict::kPending) co_return;
  holds_.erase(hold);
  answer(key, verdict, id, grant.expires_at);
}

Task<void> ApprovalKeeper::run() {
  for (int looks = 0;; ++looks) {
    const bool slept = co_await sleep_for(kLook);
    if (!slept) co_return;
    const bool all = std::exchange(look_at_all_, false) || looks % kLooksForAll == 0;
    if (all) decided_.clear();
    std::set<ApprovalId> due;
    for (const auto& [key, hold] : holds_) {
      if (hold.id == ApprovalId()) continue;
      if (all || hold.expires_at <= clock_.now()) due.insert(hold.id);
    }
    for (const auto id : due) {
      std::string unknown;
      co_await settle(id, std::move(unknown));
    }
    grants_.forget_what_is_over(clock_.now());
    if (looks % kLooksForTidying != 0) continue;
    for (bool more = true; more;) {
      const auto ended = co_await store::tidy_approvals(db_);
      more = ended && *ended > 0;
    }
  }
}

Task<void> ApprovalKeeper::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace deployclaw::egress
