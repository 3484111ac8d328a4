#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <set>

#include "egress/approval_desk.hpp"
#include "egress/connection.hpp"
#include "egress/credential_tester.hpp"
#include "egress/packet_channel.hpp"
#include "egress/token_renewer.hpp"
#include "egress/worker_config.hpp"
#include "egress/worker_shared.hpp"
#include "models/price_catalogue.hpp"
#include "net/tls.hpp"
#include "services/catalogue.hpp"

namespace deployclaw::egress {

// What every worker starts with, loaded once before the spawner's fork.
struct WorkerParts {
  services::Catalogue catalogue;
  net::TlsClientContext tls;  // the roots that upstreams are verified against
  models::PriceCatalogue prices = {};
};

// One client's gateway to the outside: a process of its own that reads what agents and upstreams
// send. It knows nothing but what the supervisor hands it. Ends when its channel does.
class Worker {
 public:
  Worker(boost::asio::io_context& io, WorkerParts& parts, linux::UniqueFd channel,
         linux::UniqueFd audit);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Works until the channel closes or a drain has ended.
  Task<void> run();

 private:
  void take(Packet packet);
  Status configure(const linux::UniqueFd& memory);
  Status prepare(const WorkerConfig& config);
  Status take_authority(const WorkerConfig& config);
  void take_names(const WorkerConfig& config);
  void take_connection(const ConnectionMessage& message, linux::UniqueFd socket);
  void take_datagram(DatagramMessage message);
  Bytes answer_name(AgentId agent, std::span<const unsigned char> query);
  Task<void> serve_names(net::StreamSocket socket, AgentId agent);
  Task<void> tend();
  void rest();
  void tell_used(AgentId agent, std::string_view credential);
  void close_all();

  boost::asio::io_context& io_;
  WorkerParts& parts_;
  PacketChannel channel_;
  SystemClock clock_;
  net::CoarseTimer timer_;
  AuditTrail trail_;
  TaskGroup tasks_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<Upstreams> upstreams_;
  std::unique_ptr<WorkerShared> shared_;
  std::unique_ptr<TokenRenewer> renewer_;
  std::unique_ptr<ApprovalDesk> approvals_;
  std::unique_ptr<CredentialTester> tester_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::string authority_;  // the certificate in use
  std::map<std::pair<AgentId, std::string>, std::chrono::steady_clock::time_point> used_;
  std::size_t name_streams_ = 0;
  bool draining_ = false;
  bool rested_ = true;  // since the last connection
};

// A worker process's life after the sandbox; the value is its exit code.
int run_worker(WorkerParts& parts, linux::UniqueFd channel, linux::UniqueFd audit);

}  // namespace deployclaw::egress
