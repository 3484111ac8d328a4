#include "dns/resolver.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/await.hpp"
#include "dns/address_cache.hpp"
#include "dns/host_name.hpp"
#include "dns/message.hpp"
#include "dns/nameserver_channel.hpp"

namespace deployclaw::dns {

namespace asio = boost::asio;

namespace {

using Addresses = std::vector<Address>;
using Clock = std::chrono::steady_clock;

// What pins, flights and cache are keyed by.
Result<std::string> key_of(const std::string& host) {
  if (const auto address = parse_address(host)) return address->to_string();
  auto canonical = canonical_host(host);
  if (!canonical) return fail(Code::kInvalid, "neither an address nor a host name");
  if (is_never_resolved(*canonical)) return fail(Code::kInvalid, *canonical + " is never resolved");
  return std::move(*canonical);
}

Result<Addresses> not_found(const std::string& host) {
  return fail(Code::kNotFound, host + " has no address");
}

// One name that is being asked for, and whoever waits for it.
struct Flight {
  Flight(const asio::any_io_executor& executor, std::string name)
      : host(std::move(name)), ended(executor, Clock::time_point::max()), limit(executor) {}

  std::string host;
  asio::steady_timer ended;  // cancelled when `result` is there: wakes every waiter
  asio::steady_timer limit;  // ends the flight with what is known by then
  std::optional<Result<Addresses>> result;
  int pending = 0;
  Addresses ipv4;
  Addresses ipv6;
  std::chrono::milliseconds ttl = std::chrono::hours(24);
  std::string trouble;  // of the half that failed; empty when none did
};

}  // namespace

struct Resolver::State : std::enable_shared_from_this<Resolver::State> {
  State(asio::any_io_executor used, ResolverConfig configured)
      : executor(std::move(used)), config(std::move(configured)), cache(config.cache_entries) {}
  ~State() {
    for (auto& [host, flight] : flights) flight->limit.cancel();
  }

  std::shared_ptr<Flight> start(const std::string& host);
  void ask(const std::shared_ptr<Flight>& flight, std::uint16_t type);
  void take(const std::shared_ptr<Flight>& flight, Lookup lookup);
  void limit(const std::shared_ptr<Flight>& flight, Clock::time_point until);
  void end(Flight& flight);
  Result<Addresses> conclude(Flight& flight);

  asio::any_io_executor executor;
  ResolverConfig config;
  AddressCache cache;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  std::unique_ptr<NameserverChannel> channel;  // first to go: its answers use the others
};

std::shared_ptr<Flight> Resolver::State::start(const std::string& host) {
  auto flight = std::make_shared<Flight>(executor, host);
  flights.emplace(host, flight);
  limit(flight, Clock::now() + config.deadline);
  // Both count before either is asked: an answer may come at once.
  flight->pending = config.ipv6 ? 2 : 1;
  ask(flight, kTypeA);
  if (config.ipv6) ask(flight, kTypeAaaa);
  return flight;
}

void Resolver::State::ask(const std::shared_ptr<Flight>& flight, std::uint16_t type) {
  channel->ask(flight->host, type, [weak = weak_from_this(), flight](Lookup lookup) {
    if (const auto self = weak.lock()) self->take(flight, std::move(lookup));
  });
}

void Resolver::State::take(const std::shared_ptr<Flight>& flight, Lookup lookup) {
  if (flight->result) return;
  --flight->pending;
  if (lookup.outcome == Lookup::Outcome::kFailed) flight->trouble = std::move(lookup.trouble);
  if (lookup.outcome == Lookup::Outcome::kFound) {
    auto& half = lookup.addresses.front().is_v4() ? flight->ipv4 : flight->ipv6;
    half = std::move(lookup.addresses);
    flight->ttl = std::min<std::chrono::milliseconds>(flight->ttl, lookup.ttl);
  }
  if (flight->pending == 0) {
    end(*flight);
  } else if (lookup.outcome == Lookup::Outcome::kFound) {
    limit(flight, std::min(flight->limit.expiry(), Clock::now() + config.patience));
  }
}

void Resolver::State::limit(const std::shared_ptr<Flight>& flight, Clock::time_point until) {
  flight->limit.expires_at(until);
  flight->limit.async_wait(
      [weak = weak_from_this(), flight](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !flight->result) self->end(*flight);
      });
}

void Resolver::State::end(Flight& flight) {
  flight.result = conclude(flight);
  flight.limit.cancel();
  flight.ended.cancel();
  flights.erase(flight.host);
}

Result<Addresses> Resolver::State::conclude(Flight& flight) {
  Addresses all = std::move(flight.ipv4);
  all.insert(all.end(), flight.ipv6.begin(), flight.ipv6.end());
  if (!all.empty()) {
    cache.store(flight.host, all, Clock::now() + std::min(flight.ttl, config.max_ttl));
    return all;
  }
  if (flight.pending > 0) {
    return fail(Code::kTimeout, "resolve " + flight.host + ": no nameserver answers in time");
  }
  if (!flight.trouble.empty()) {
    return fail(Code::kUnavailable, "resolve " + flight.host + ": " + flight.trouble);
  }
  cache.store(flight.host, {}, Clock::now() + config.negative_ttl);
  return not_found(flight.host);
}

Resolver::Resolver(std::shared_ptr<State> state) : state_(std::move(state)) {}

Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::create(asio::any_io_executor executor,
                                                   ResolverConfig config) {
  if (config.nameservers.empty()) return fail(Code::kInvalid, "no nameserver is configured");
  Pins pins;
  for (auto& [host, addresses] : config.pins) {
    auto key = key_of(host);
    if (!key) return context("pinned host '" + host + "'", key.error());
    if (addresses.empty()) return fail(Code::kInvalid, "pinned host '" + host + "': no address");
    pins.emplace(std::move(*key), std::move(addresses));
  }
  config.pins = std::move(pins);
  auto channel = NameserverChannel::create(executor, config.nameservers);
  if (!channel) return fail(channel.error());
  auto state = std::make_shared<State>(std::move(executor), std::move(config));
  state->channel = std::move(*channel);
  return std::unique_ptr<Resolver>(new Resolver(std::move(state)));
}

Task<Result<Addresses>> Resolver::resolve_checked(std::string host) {
  auto key = key_of(host);
  if (!key) co_return fail(key.error());
  const auto pinned = state_->config.pins.find(*key);
  if (pinned != state_->config.pins.end()) co_return pinned->second;
  auto addresses = co_await resolve(*key);
  if (!addresses) co_return addresses;
  for (const auto& address : *addresses) {
    const auto why = special_purpose(address);
    if (!why) continue;
    Error error{.code = Code::kForbidden,
                .message = *key + " has the " + std::string(*why) + " address " +
                           address.to_string() + "; none of its addresses is used",
                .reason = "address_not_public",
                .public_detail = *key + " has an address that is not public."};
    co_return fail(std::move(error));
  }
  co_return addresses;
}

Task<Result<Addresses>> Resolver::resolve(std::string host) {
  const auto state = state_;  // outlives the wait even where the resolver does not
  if (const auto address = parse_address(host)) co_return Addresses{*address};
  const auto key = key_of(host);
  if (!key) co_return fail(key.error());
  if (auto known = state->cache.find(*key, Clock::now())) {
    if (known->empty()) co_return not_found(*key);
    co_return std::move(*known);
  }
  std::shared_ptr<Flight> flight;
  const auto running = state->flights.find(*key);
  if (running != state->flights.end()) {
    flight = running->second;
  } else if (state->flights.size() < state->config.parallel_names) {
    flight = state->start(*key);
  } else {
    co_return fail(Code::kUnavailable, "resolve " + *key + ": too many names are being resolved");
  }
  if (!flight->result) {
    co_await flight->ended.async_wait(kAwait);
  }
  if (!flight->result) co_return fail(Code::kCancelled, "resolve " + *key + ": cancelled");
  co_return *flight->result;
}

std::uint64_t Resolver::questions() const { return state_->channel->questions(); }

}  // namespace deployclaw::dns
