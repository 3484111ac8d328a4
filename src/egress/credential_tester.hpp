#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "egress/messages.hpp"
#include "egress/worker_shared.hpp"
#include "services/test_call.hpp"

namespace deployclaw::egress {

// Tries a credential when a person asks: one request that the catalogue fixes, made in the worker,
// where the value is. The name is resolved, the address and the certificate are checked and the
// placeholder is replaced as for an agent's request, and the audit log knows of it before. It is a
// person's deed: it needs none of the agent's scopes and counts against none of its limits. What
// leaves the worker is a reason and a status, nothing of what the service says. One thread.
class CredentialTester {
 public:
  static constexpr std::size_t kMostAtOnce = 20;
  static constexpr std::chrono::seconds kMostTalk{10};  // with the service, once it is reached
  // Who asked waits for thirty seconds: later no call is begun.
  static constexpr std::chrono::seconds kMostPreparation{20};
  static constexpr std::size_t kMostBody = 64UL * 1024;

  using Tell = std::function<void(const TestAnswerMessage&)>;
  // `shared` outlives it.
  CredentialTester(WorkerShared& shared, Tell tell);

  // `tell` has the answer later, once.
  void test(TestMessage message);

  [[nodiscard]] std::size_t running() const { return running_; }
  // Breaks off what runs and waits for its end.
  Task<void> stop();

 private:
  struct Outcome {
    domain::TestReason reason = domain::TestReason::kUnexpectedAnswer;
    int status = 0;
  };
  using Deadline = std::chrono::steady_clock::time_point;

  Task<void> run(TestMessage message);
  Task<Outcome> try_out(TestMessage message);
  // A context whose credential has a value that may be sent; renews its token where that is needed.
  Task<Result<std::shared_ptr<const AgentContext>>> ready(AgentId agent, std::string credential,
                                                          domain::TestReason& why_not);
  Task<Outcome> call(const AgentContext& context, const services::AgentCredential& credential,
                     const services::CredentialKind& kind, AuditTrail::Intent& intent,
                     Deadline deadline);
  static Task<Outcome> talk(Upstream& upstream, const services::TestCall& call, http::Method method,
                            std::string_view request);

  WorkerShared& shared_;
  Tell tell_;
  TaskGroup tasks_;
  std::size_t running_ = 0;
};

}  // namespace deployclaw::egress
