#include "egress/approval_keeper.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/log.hpp"

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
                               std::chrono::seconds lifetime, Tell tell)
    : db_(db), lifetime_(lifetime), tell_(std::move(tell)), tasks_(std::move(executor)) {}

void ApprovalKeeper::answer(const Key& key, ApprovalVerdict verdict, ApprovalId id,
                            Time expires_at) {
  tell_(key.first, {.hold = key.second, .verdict = verdict, .id = id, .expires_at = expires_at});
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
  holds_[key] = {.agent = question.agent, .id = {}};
  asking_[asker] += text.size();
  tasks_.spawn("ask for an approval", ask_database(key, std::move(question), std::move(text)));
}

void ApprovalKeeper::drop(const Asker& asker, std::uint64_t hold) {
  holds_.erase({asker, hold});
  if (const auto texts = texts_.find(asker); texts != texts_.end()) texts->second.erase(hold);
}

void ApprovalKeeper::worker_gone(const Asker& asker) {
  std::erase_if(holds_, [&](const auto& entry) { return entry.first.first == asker; });
  texts_.erase(asker);
  asking_.erase(asker);
}

// ---- What the database says.

Task<void> ApprovalKeeper::ask_database(Key key, ApprovalMessage question, std::string text) {
  store::ApprovalQuestion asked{.client = key.first.client,
                                .agent = question.agent,
                                .digest = question.digest,
                                .scope = std::move(question.scope),
                                .target = std::move(question.target),
                                .rendered = std::move(text),
                                .lifetime = lifetime_};
  const auto size = asked.rendered.size();
  const auto reply = co_await store::ask_approval(db_, std::move(asked));
  if (const auto asking = asking_.find(key.first); asking != asking_.end()) {
    asking->second -= std::min(asking->second, size);
  }
  const auto hold = holds_.find(key);
  const bool pending = reply && reply->verdict == "pending" && reply->id && reply->expires_at;
  if (reply && reply->verdict == "used") {
    ++used_;
    if (hold == holds_.end()) log::warn("a grant was used by a request that had gone");
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
  if (pending && decided_.contains(id)) co_await settle_one(key, id);
}

void ApprovalKeeper::on_notification(std::string_view payload) {
  boost::system::error_code error;
  const auto value = json::parse({payload.data(), payload.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* id = object != nullptr ? object->if_contains("id") : nullptr;
  const auto* state = object != nullptr ? object->if_contains("state") : nullptr;
  if (id == nullptr || !id->is_string() || state == nullptr || !state->is_string()) return;
  const auto parsed = ApprovalId::parse(std::string_view(id->get_string()));
  if (!parsed || state->get_string() == "pending") return;
  if (decided_.size() >= kMostDecided) decided_.clear();
  decided_.insert(*parsed);
  tasks_.spawn("settle an approval", settle(*parsed));
}

Task<void> ApprovalKeeper::settle(ApprovalId id) {
  std::vector<Key> keys;
  for (const auto& [key, hold] : holds_) {
    if (hold.id == id) keys.push_back(key);
  }
  for (const auto& key : keys) co_await settle_one(key, id);
}

Task<void> ApprovalKeeper::settle_one(Key key, ApprovalId id) {
  auto hold = holds_.find(key);
  if (hold == holds_.end() || hold->second.id != id || hold->second.looking) co_return;
  hold->second.looking = true;
  const auto agent = hold->second.agent;
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
    if (!there) log::warn("a grant was used by a request that had gone");
  }
  if (!there || verdict == ApprovalVerdict::kPending) co_return;
  const auto expires_at = hold->second.expires_at;
  holds_.erase(hold);
  answer(key, verdict, id, expires_at);
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
    for (const auto id : due) co_await settle(id);
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
