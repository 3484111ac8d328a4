#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "audit/event.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "linux/nflog.hpp"

namespace deployclaw::orchestrator {

// Packets that the firewall dropped, as they happen: an edge, so that tests need no kernel.
class DropSource {
 public:
  virtual ~DropSource() = default;
  // Waits for the next ones; never empty. After an error it may be called again, a little later.
  virtual Task<Result<std::vector<linux::DroppedPacket>>> next() = 0;
  // Lets go of the kernel's log, so that another process may have it; a pending next() ends.
  virtual void close() = 0;
};
// The kernel's own, of FirewallConfig::log_group. Needs CAP_NET_ADMIN.
std::unique_ptr<DropSource> make_linux_drops(boost::asio::any_io_executor executor,
                                             std::uint16_t group);

// Attempts of one agent at one destination since they were last told.
struct BlockedAttempts {
  std::string interface;
  boost::asio::ip::address destination;  // unspecified: one of too many to be told apart
  std::uint16_t port = 0;                // 0 where the protocol has none
  std::uint8_t protocol = 0;             // IANA number
  std::uint64_t count = 0;
  std::set<std::string> reasons = {};  // of FirewallCounters
  Time first_seen = {};
};

// Counts drops, so that a flood becomes one line a minute: each interface, destination, port and
// protocol is told at once the first time and then at most once in `pause`. An interface with more
// than kMaxDestinations at a time has the others counted together. Pure.
class DropTally {
 public:
  static constexpr std::size_t kMaxDestinations = 64;
  explicit DropTally(std::chrono::microseconds pause) : pause_(pause) {}

  void add(const linux::DroppedPacket& dropped, Time now);
  // What is to be told now; with `everything`, all that was not told yet.
  std::vector<BlockedAttempts> take_due(Time now, bool everything = false);
  // Puts back what could not be told; it is due again.
  void put_back(const BlockedAttempts& attempts);

 private:
  struct Destination {
    boost::asio::ip::address address;
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
    bool operator<(const Destination& other) const;
  };
  struct Entry {
    std::uint64_t count = 0;
    std::set<std::string> reasons;
    Time first_seen;
    std::optional<Time> told;
  };
  using Entries = std::map<Destination, Entry>;
  Entry& entry_of(const std::string& interface, Destination destination);

  const std::chrono::microseconds pause_;
  std::map<std::string, Entries> interfaces_;
};

// Whose an interface is.
struct InterfaceOwner {
  ClientId client;
  AgentId agent;
};

// Writes what agents tried past egress into the audit log, as "connection_blocked". While the
// database is away the counts are kept. Single-threaded.
class DropReporter {
 public:
  // The three outlive it. Each destination is told at most once in `pause`.
  DropReporter(db::Database& db, const Clock& clock, std::chrono::microseconds pause);

  void set_owners(std::map<std::string, InterfaceOwner> owners) { owners_ = std::move(owners); }

  // Reads until cancelled, but only while `leads` says so.
  Task<void> read(DropSource& source, std::function<bool()> leads);
  // Tells what is due every `interval` until cancelled; closes the source where we do not lead.
  Task<void> write(DropSource& source, std::function<bool()> leads,
                   std::chrono::milliseconds interval);
  // Tells what is due now, or everything that is left.
  Task<void> flush(bool everything);

 private:
  db::Database& db_;
  const Clock& clock_;
  DropTally tally_;
  std::map<std::string, InterfaceOwner> owners_;
  bool failing_ = false;  // complained of once, not every second
};

// The record of `attempts`; for tests.
audit::Event blocked_event(const InterfaceOwner& owner, const BlockedAttempts& attempts);

}  // namespace deployclaw::orchestrator
