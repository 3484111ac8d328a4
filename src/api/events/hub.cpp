#include "api/events/hub.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <vector>

#include "base/await.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "db/listener.hpp"
#include "http/sse.hpp"

namespace deployclaw::api::events {
namespace asio = boost::asio;
namespace {

constexpr const char* kChannel = "deployclaw_events";
constexpr const char* kApprovals = "deployclaw_approvals";

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto space = text.find(' ');
    out.push_back(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
  }
  return out;
}

// Ids are UUIDs here, so nothing needs escaping.
std::string data_of(const Event& event) {
  const auto agent = event.agent ? event.agent->to_string() : std::string();
  switch (event.kind) {
    case Kind::kAgentChanged:
      return R"({"agentId":")" + agent + R"("})";
    case Kind::kDeploymentChanged:
      return R"({"deploymentId":")" + event.id + R"(","agentId":")" + agent + R"("})";
    case Kind::kApprovalChanged:
      return R"({"approvalId":")" + event.id + R"(","agentId":")" + agent + R"("})";
    case Kind::kAuditAppended:
      return R"({"seq":)" + std::to_string(event.number) + "}";
    case Kind::kResync:
      break;
  }
  return "{}";
}

}  // namespace

Subscription::Subscription(std::shared_ptr<Hub> hub, Reader reader, Topics topics)
    : hub_(std::move(hub)),
      reader_(reader),
      topics_(std::move(topics)),
      wake_(hub_->executor_, asio::steady_timer::time_point::max()) {}

Subscription::~Subscription() { hub_->leave(*this); }

std::string Subscription::take() {
  pending_ = false;
  std::string out;
  if (ended_) return out;
  if (!std::exchange(greeted_, true)) {
    out += http::format_sse({.id = hub_->id_of(seen_), .event = "ready", .data = "{}"});
  }
  const auto since = hub_->state_of(reader_.client).log.since(seen_);
  if (std::exchange(lost_place_, false) || since.missed) {
    seen_ = hub_->seq_;
    out += http::format_sse({.id = hub_->id_of(seen_), .event = "resync", .data = "{}"});
    return out;
  }
  for (const auto& event : since.events) {
    seen_ = event.seq;
    if (!topics_.want(event)) continue;
    out += http::format_sse({.id = hub_->id_of(event.seq),
                             .event = std::string(to_string(event.kind)),
                             .data = data_of(event)});
  }
  return out;
}

Task<bool> Subscription::wait(std::chrono::milliseconds most) {
  if (pending_ || ended_) co_return true;
  wake_.expires_after(most);
  co_await wake_.async_wait(kAwait);
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  co_return cancellation.cancelled() == asio::cancellation_type::none;
}

Hub::Hub(asio::any_io_executor executor)
    : executor_(std::move(executor)), epoch_(random_token(6)) {}

Hub::~Hub() = default;

void Hub::listen(std::string conninfo) {
  listener_ = std::make_unique<db::Listener>(executor_, std::move(conninfo));
  listener_->listen(kChannel, [this](const db::Notification& notification) {
    if (notification.gap) {
      notify_gap();
    } else {
      notify(notification.payload);
    }
  });
  listener_->listen(kApprovals, [this](const db::Notification& notification) {
    if (!notification.gap)
      notify_approval(notification.payload);  // the other channel tells of gaps
  });
}

Task<void> Hub::close() {
  closed_ = true;
  for (auto& [client, state] : clients_) {
    for (Subscription* reader : state.readers) {
      reader->ended_ = true;
      reader->wake_.cancel();
    }
  }
  if (listener_) co_await listener_->close();
}

Result<std::shared_ptr<Subscription>> Hub::subscribe(Reader reader, Topics topics,
                                                     std::optional<std::string_view> last_id) {
  if (closed_) return fail(Code::kUnavailable, "the hub is closed");
  forget_idle();
  ClientState& state = state_of(reader.client);
  const auto of_session = std::ranges::count_if(
      state.readers,
      [&reader](const Subscription* other) { return other->reader_.session == reader.session; });
  if (state.readers.size() >= kMostPerClient ||
      static_cast<std::size_t>(of_session) >= kMostPerSession) {
    Error error{.code = Code::kRateLimited,
                .message = "too many event streams",
                .reason = "too_many_streams",
                .public_detail = "Too many live streams are open; close one first."};
    error.retry_after_seconds = 30;
    return fail(std::move(error));
  }
  std::shared_ptr<Subscription> subscription(
      new Subscription(shared_from_this(), reader, std::move(topics)));
  subscription->seen_ = seq_;
  if (last_id) {
    const auto seq = seq_of(*last_id);
    subscription->lost_place_ = !seq;
    if (seq) subscription->seen_ = *seq;
  }
  state.readers.insert(subscription.get());
  return subscription;
}

void Hub::notify(std::string_view payload) {
  const auto parts = words(payload);
  const auto client = parts.size() >= 3 ? ClientId::parse(parts[1]) : std::nullopt;
  if (!client) {
    log::warn("notification not understood", {{"words", parts.size()}});
    return;
  }
  if (parts[0] == "session.ended" || parts[0] == "user.changed") {
    end_readers(*client, parts[0], parts[2]);
    return;
  }
  const auto kind = parse_kind(parts[0]);
  if (!kind) return;
  Event event{.kind = *kind};
  if (*kind == Kind::kAuditAppended) {
    event.number = parse_number(parts[2]).value_or(0);
  } else {
    const auto agent = AgentId::parse(parts.back());
    // An approval's or deployment's id is a UUID too, whatever else it is.
    if (!agent || !AgentId::parse(parts[2])) return;
    event.agent = agent;
    event.id = std::string(parts[2]);
  }
  tell(*client, std::move(event));
}

void Hub::notify_approval(std::string_view text) {
  boost::system::error_code error;
  const auto parsed = boost::json::parse(text, error);
  const auto* object = error ? nullptr : parsed.if_object();
  const auto member = [object](std::string_view name) {
    const auto* value = object ? object->if_contains(name) : nullptr;
    return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
  };
  notify("approval.changed " + std::string(member("clientId")) + " " + std::string(member("id")) +
         " " + std::string(member("agentId")));
}

void Hub::notify_gap() {
  for (const auto& [client, state] : clients_) tell(client, Event{.kind = Kind::kResync});
}

void Hub::tell(ClientId client, Event event) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;  // nobody listens, and nobody did a little while ago
  event.seq = ++seq_;
  found->second.log.add(std::move(event));
  for (Subscription* reader : found->second.readers) {
    reader->pending_ = true;
    reader->wake_.cancel();
  }
}

void Hub::end_readers(ClientId client, std::string_view kind, std::string_view id) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  for (Subscription* reader : found->second.readers) {
    const auto mine = kind == "session.ended" ? reader->reader_.session.to_string()
                                              : reader->reader_.user.to_string();
    if (mine != id) continue;
    reader->ended_ = true;
    reader->wake_.cancel();
  }
}

void Hub::leave(Subscription& subscription) {
  const auto found = clients_.find(subscription.reader_.client);
  if (found == clients_.end()) return;
  found->second.readers.erase(&subscription);
  if (found->second.readers.empty()) found->second.left_at = std::chrono::steady_clock::now();
}

void Hub::forget_idle() {
  const auto before = std::chrono::steady_clock::now() - kKeep;
  std::erase_if(clients_, [before](const auto& entry) {
    return entry.second.readers.empty() && entry.second.left_at < before;
  });
}

Hub::ClientState& Hub::state_of(ClientId client) {
  const auto found = clients_.find(client);
  if (found != clients_.end()) return found->second;
  return clients_.emplace(client, ClientState{.log = EventLog(seq_, kMostThings), .readers = {}})
      .first->second;
}

std::size_t Hub::streams() const {
  std::size_t count = 0;
  for (const auto& [client, state] : clients_) count += state.readers.size();
  return count;
}

std::string Hub::id_of(std::uint64_t seq) const { return epoch_ + "." + std::to_string(seq); }

std::optional<std::uint64_t> Hub::seq_of(std::string_view id) const {
  if (!id.starts_with(epoch_) || id.size() <= epoch_.size() || id[epoch_.size()] != '.') {
    return std::nullopt;
  }
  const auto seq = parse_number(id.substr(epoch_.size() + 1));
  if (!seq || *seq > seq_) return std::nullopt;  // never given out
  return seq;
}

}  // namespace deployclaw::api::events
