#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "egress/messages.hpp"
#include "egress/worker_shared.hpp"
#include "services/token_request.hpp"

namespace deployclaw::egress {

// Renews a client's access tokens where they are used, in the worker: it is the one that may read
// what a token endpoint says. The endpoint's URL comes from the catalogue alone; it is dialled and
// verified like any upstream, and told to the audit log before. A new token goes to the supervisor,
// and is used once it comes back in a configuration: so that what puts secrets in and what takes
// them out learn of it at once, from one place. One thread.
//
// A renewal once begun is finished whoever waits for it: the answer may bring the only refresh
// token that is still good.
class TokenRenewer {
 public:
  static constexpr std::chrono::seconds kMostAsking{10};  // the whole talk with the endpoint
  static constexpr std::chrono::seconds kMostWait{15};    // of one request for a renewal
  // How long nobody asks again after a refusal for good, and after other failures (doubled each
  // time).
  static constexpr std::chrono::seconds kRefusedFor{600};
  static constexpr std::chrono::seconds kFirstPause{5};
  static constexpr std::chrono::seconds kLongestPause{300};

  // Hands a message to the supervisor.
  using Tell = std::function<Status(const RenewedMessage&)>;
  // `shared` outlives it.
  TokenRenewer(WorkerShared& shared, Tell tell);

  // Waits until a configuration has brought another grant for the agent's credential, or it is
  // gone: look at both again then. Requests that ask at the same time share one renewal. Errors
  // have the reason "credential_expired", the cause in detail_key (the endpoint's own error code
  // where it has one) and a public detail: kForbidden when it is refused for good, or is not
  // renewed at all; kUnavailable, with retry_after_seconds, when it may work later.
  Task<Status> renew(AgentId agent, std::string credential);

  // A new configuration is in WorkerShared::agents.
  void on_new_configuration();

  // Talks with token endpoints now: the worker should not end.
  [[nodiscard]] std::size_t running() const { return running_; }
  // Breaks them off and waits for their end.
  Task<void> stop();

 private:
  using Key = std::pair<AgentId, std::string>;
  enum class State : std::uint8_t {
    kIdle,
    kAsking,
    kHandedOver,  // the supervisor has the new token; its configuration is awaited
    kPaused,      // it failed; not asked again before `until`
  };
  struct Flight {
    std::string grant_name;
    State state = State::kIdle;
    Error failure = {};
    Time until = {};
    int failures = 0;
  };

  Flight& flight_of(const Key& key, const std::string& grant_name);
  // nullptr when it is about another grant by now.
  Flight* find(const Key& key, const std::string& grant_name);
  Task<void> wait(Key key);
  void wake(const Key& key);
  Task<void> run(Key key, std::shared_ptr<const AgentContext> context);
  Task<Result<services::TokenAnswer>> ask(AuditTrail::Intent& intent, const HeldCredential& held,
                                          int& status);
  Task<Result<services::TokenAnswer>> talk(Upstream& upstream, const HeldCredential& held,
                                           int& status);
  Status hand_over(const Key& key, const HeldCredential& held, services::TokenAnswer answer);
  void conclude(const Key& key, const std::string& grant_name, Status done);
  [[nodiscard]] Error expired(const Key& key, const Error& failure, Time until) const;

  WorkerShared& shared_;
  Tell tell_;
  TaskGroup tasks_;
  std::map<Key, Flight> flights_;
  struct Waiter {
    Key key;
    boost::asio::steady_timer* timer;
  };
  std::list<Waiter> waiters_;
  std::size_t running_ = 0;
};

}  // namespace deployclaw::egress
