#include "orchestrator/drop_reporter.hpp"

#include <boost/json/array.hpp>
#include <tuple>
#include <utility>

#include "audit/append.hpp"
#include "base/log.hpp"

namespace deployclaw::orchestrator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kReadRetry = 5s;
constexpr std::chrono::milliseconds kLeadRetry = 100ms;
// An interface may be busy a little before a pass has learnt whose it is.
constexpr auto kOwnerPatience = 30s;

class LinuxDrops final : public DropSource {
 public:
  LinuxDrops(boost::asio::any_io_executor executor, std::uint16_t group)
      : executor_(std::move(executor)), group_(group) {}

  Task<Result<std::vector<linux::DroppedPacket>>> next() override {
    if (!log_) {
      auto opened = linux::DropLog::open(executor_, group_);
      if (!opened) co_return std::unexpected(opened.error());
      log_.emplace(std::move(*opened));
    }
    auto packets = co_await log_->next();
    if (!packets) log_.reset();
    co_return packets;
  }
  void close() override {
    if (log_) log_->close();
  }

 private:
  boost::asio::any_io_executor executor_;
  const std::uint16_t group_;
  std::optional<linux::DropLog> log_;
};

std::string protocol_name(std::uint8_t number) {
  switch (number) {
    case 1:
      return "icmp";
    case 2:
      return "igmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 58:
      return "icmpv6";
    case 132:
      return "sctp";
    default:
      return std::to_string(number);
  }
}

std::string target_of(const BlockedAttempts& attempts) {
  if (attempts.destination.is_unspecified()) return "other destinations";
  const auto text = attempts.destination.to_string();
  if (attempts.port == 0) return text;
  return (attempts.destination.is_v6() ? "[" + text + "]" : text) + ":" +
         std::to_string(attempts.port);
}

}  // namespace

std::unique_ptr<DropSource> make_linux_drops(boost::asio::any_io_executor executor,
                                             std::uint16_t group) {
  return std::make_unique<LinuxDrops>(std::move(executor), group);
}

bool DropTally::Destination::operator<(const Destination& other) const {
  return std::tie(address, port, protocol) < std::tie(other.address, other.port, other.protocol);
}

DropTally::Entry& DropTally::entry_of(const std::string& interface, Destination destination) {
  auto& entries = interfaces_[interface];
  if (entries.size() >= kMaxDestinations && !entries.contains(destination)) {
    destination = Destination{};
  }
  return entries[destination];
}

void DropTally::add(const linux::DroppedPacket& dropped, Time now) {
  const auto& packet = dropped.packet;
  auto& entry =
      entry_of(dropped.interface, {packet.destination, packet.destination_port, packet.protocol});
  if (entry.count == 0) entry.first_seen = now;
  ++entry.count;
  entry.reasons.insert(dropped.reason);
}

std::vector<BlockedAttempts> DropTally::take_due(Time now, bool everything) {
  std::vector<BlockedAttempts> due;
  for (auto& [interface, entries] : interfaces_) {
    for (auto& [destination, entry] : entries) {
      const bool rests = entry.told && now - *entry.told < pause_;
      if (entry.count == 0 || (rests && !everything)) continue;
      due.push_back({.interface = interface,
                     .destination = destination.address,
                     .port = destination.port,
                     .protocol = destination.protocol,
                     .count = std::exchange(entry.count, 0),
                     .reasons = std::exchange(entry.reasons, {}),
                     .first_seen = entry.first_seen});
      entry.told = now;
    }
    std::erase_if(entries, [&](const auto& item) {
      return item.second.count == 0 && item.second.told && now - *item.second.told >= pause_;
    });
  }
  std::erase_if(interfaces_, [](const auto& item) { return item.second.empty(); });
  return due;
}

void DropTally::put_back(const BlockedAttempts& attempts) {
  auto& entry =
      entry_of(attempts.interface, {attempts.destination, attempts.port, attempts.protocol});
  if (entry.count == 0 || attempts.first_seen < entry.first_seen) {
    entry.first_seen = attempts.first_seen;
  }
  entry.count += attempts.count;
  entry.reasons.insert(attempts.reasons.begin(), attempts.reasons.end());
  entry.told.reset();
}

audit::Event blocked_event(const InterfaceOwner& owner, const BlockedAttempts& attempts) {
  audit::Event event;
  event.client = owner.client;
  event.agent = owner.agent;
  event.actor_type = "agent";
  event.actor_id = owner.agent.to_string();
  event.action_type = "connection_blocked";
  event.target = target_of(attempts);
  event.outcome = "denied";
  event.metadata["count"] = attempts.count;
  event.metadata["reasons"] = json::array(attempts.reasons.begin(), attempts.reasons.end());
  event.metadata["firstSeen"] = format_time(attempts.first_seen);
  if (attempts.destination.is_unspecified()) return event;
  event.metadata["protocol"] = protocol_name(attempts.protocol);
  event.metadata["destination"] = attempts.destination.to_string();
  if (attempts.port != 0) event.metadata["port"] = attempts.port;
  return event;
}

DropReporter::DropReporter(db::Database& db, const Clock& clock, std::chrono::microseconds pause)
    : db_(db), clock_(clock), tally_(pause) {}

Task<void> DropReporter::read(DropSource& source, std::function<bool()> leads) {
  bool complained = false;
  for (;;) {
    while (leads()) {
      const auto packets = co_await source.next();
      if (!packets) {
        // Whoever closed or cancelled it knows.
        if (!complained && packets.error().code != Code::kCancelled) {
          log::warn("blocked packets go unreported", {{"error", packets.error().message}});
          complained = true;
        }
        break;
      }
      complained = false;
      for (const auto& dropped : *packets) {
        if (!dropped.interface.empty()) tally_.add(dropped, clock_.now());
      }
    }
    const std::chrono::milliseconds pause = leads() ? kReadRetry : kLeadRetry;
    const bool slept = co_await sleep_for(pause);
    if (!slept) co_return;
  }
}

Task<void> DropReporter::write(DropSource& source, std::function<bool()> leads,
                               std::chrono::milliseconds interval) {
  for (;;) {
    const bool slept = co_await sleep_for(interval);
    if (!slept) co_return;
    if (!leads()) source.close();
    co_await flush(false);
  }
}

Task<void> DropReporter::flush(bool everything) {
  const Time now = clock_.now();
  // A client's records are written or fail together.
  std::map<ClientId, std::pair<std::vector<audit::Event>, std::vector<BlockedAttempts>>> clients;
  for (auto& attempts : tally_.take_due(now, everything)) {
    const auto owner = owners_.find(attempts.interface);
    if (owner != owners_.end()) {
      auto& [events, told] = clients[owner->second.client];
      events.push_back(blocked_event(owner->second, attempts));
      told.push_back(std::move(attempts));
    } else if (now - attempts.first_seen < kOwnerPatience && !everything) {
      tally_.put_back(attempts);
    } else {
      log::warn("blocked packets of nobody's interface",
                {{"interface", attempts.interface}, {"count", attempts.count}});
    }
  }
  bool failed = false;
  for (auto& [client, records] : clients) {
    auto events = std::move(records.first);
    const auto done = co_await audit::append(db_, std::move(events));
    if (done) continue;
    if (!failing_) log::warn("blocked packets not audited yet", {{"error", done.error().message}});
    failing_ = failed = true;
    for (const auto& attempts : records.second) tally_.put_back(attempts);
  }
  if (!clients.empty()) failing_ = failed;
}

}  // namespace deployclaw::orchestrator
