#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "db/database.hpp"
#include "db/listener.hpp"
#include "egress/approval_keeper.hpp"
#include "egress/audit_drain.hpp"
#include "egress/audit_intake.hpp"
#include "egress/config.hpp"
#include "egress/grant_keeper.hpp"
#include "egress/host_lock.hpp"
#include "egress/listeners.hpp"
#include "egress/log_limiter.hpp"
#include "egress/spawner.hpp"
#include "egress/uses_loader.hpp"
#include "egress/worker_handle.hpp"
#include "net/http_server.hpp"
#include "store/credential_tests.hpp"
#include "store/egress.hpp"
#include "vault/vault.hpp"

namespace deployclaw::egress {

// What the supervisor works with; all of it outlives it.
struct Parts {
  db::Database& db;
  db::Listener& listener;
  vault::Vault& vault;
  Spawner& spawner;
};

// Knows every agent of this host by its address, and hands each of its connections, unread, to the
// worker of its client. Starts workers when they are needed, gives them policy and opened
// credentials, and a new version of both within a second of a change (NOTIFY; every ten seconds for
// one that was missed). While the database is away it goes on with what it knows; while the vault
// is away no worker is started and connections wait at most ten seconds, then are closed.
class Supervisor {
 public:
  // The spool must be open. Runs on `executor`'s one thread.
  Supervisor(boost::asio::any_io_executor executor, Parts parts, std::unique_ptr<Spool> spool,
             Config config);
  // stop() must have returned, or the io_context must never run again.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Listens and begins to work. An error when a port cannot be had.
  Status start();
  // Stops accepting, ends the workers, writes what the spool holds if the database answers.
  Task<void> stop();

  [[nodiscard]] ListenPorts ports() const { return listeners_.ports(); }
  [[nodiscard]] std::uint16_t admin_port() const { return admin_port_; }

 private:
  struct WaitingTest {
    store::ClaimedTest test;
    std::chrono::steady_clock::time_point claimed_at;
  };
  struct Client {
    store::EgressClient desired;
    std::uint64_t version = 0;
    std::unique_ptr<WorkerHandle> worker;
    LogLimiter dropped;  // lines about its connections
    // Tests of credentials that wait until the worker has the policy they were asked under.
    std::vector<WaitingTest> tests;
    std::set<CredentialTestId> given_tests;  // which the worker is to answer, once each
  };

  void take(Arrival arrival);
  void take_datagram(Ipv4 source, std::uint16_t port, std::string bytes);
  Client* client_of(Ipv4 source, AgentId& agent);
  WorkerHandle& worker_of(Client& client);
  void tend_workers();

  Task<void> reload_loop();
  Task<void> prune_loop();
  Task<Status> reload();
  Task<Status> load_uses(std::uint64_t position);
  void on_host_lock(bool held);
  void apply(std::vector<store::EgressClient> clients);
  void adopt(store::EgressClient next);
  void forget_others(std::set<AgentId> agents);
  void set_limits(const store::EgressClient& client);
  Task<void> configure(ClientId id, std::uint64_t version);
  Task<Result<WorkerConfig>> open_all(store::EgressClient client, std::uint64_t version);
  Task<Result<WorkerCredential>> open_credential(const store::EgressClient& client, AgentId agent,
                                                 store::EgressCredential credential);

  void from_worker(ClientId client, Packet packet);
  void keep_renewed(ClientId client, RenewedMessage message);
  bool take_approval(ClientId client, const Packet& packet);
  void tell_approval(const ApprovalKeeper::Asker& asker, const ApprovalAnswerMessage& answer);
  Task<void> claim_tests();
  void begin_tests();
  void hand_over_tests(Client& client);
  void take_test_answer(ClientId client, const TestAnswerMessage& answer);
  void answer_test(CredentialTestId test, ClientId client, domain::TestReason reason, int status);
  Task<http::Response> answer(http::Request request);
  [[nodiscard]] std::string metrics() const;

  boost::asio::any_io_executor executor_;
  Parts parts_;
  const Config config_;
  Listeners listeners_;
  AuditIntake intake_;
  AuditDrain drain_;
  SystemClock clock_;
  UsesLoader uses_;
  HostLock host_lock_;
  GrantKeeper grants_;
  ApprovalKeeper approvals_;
  TaskGroup tasks_;
  boost::asio::steady_timer reload_alarm_;
  bool reload_wanted_ = true;
  std::vector<WaitingTest> tests_;  // for the policy that is read next
  bool loaded_ = false;
  std::map<ClientId, Client> clients_;
  std::map<Ipv4, std::pair<ClientId, AgentId>> by_address_;
  std::set<AgentId> agents_;                                           // of this host
  std::map<AgentId, std::map<std::uint32_t, std::string>> addresses_;  // synthetic ones
  std::map<std::pair<AgentId, std::string>, std::chrono::steady_clock::time_point> touched_;
  std::uint32_t next_worker_ = 0;
  std::unique_ptr<net::HttpServer> admin_;
  std::uint16_t admin_port_ = 0;
  std::uint64_t connections_ = 0;
  std::uint64_t strangers_ = 0;
  std::uint64_t workers_started_ = 0;
  std::uint64_t workers_lost_ = 0;
};

// Whether a worker must hear of the difference. Pure.
bool same_policy(const store::EgressClient& a, const store::EgressClient& b);

}  // namespace deployclaw::egress
