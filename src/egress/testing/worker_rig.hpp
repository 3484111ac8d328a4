#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egress/audit_trail.hpp"
#include "egress/testing/small_origin.hpp"
#include "egress/worker.hpp"
#include "net/testing/raw_client.hpp"

namespace deployclaw::egress::testing {

// What the worker told the audit log.
struct ToldRecord {
  RecordKind kind = RecordKind::kEvent;
  AgentId agent;
  std::uint64_t id = 0;
  boost::json::object json;
  Charge charge;
  domain::MicroDollars amount = 0;
};

// A worker in this process, without its sandbox, between a supervisor and a spool that the test
// plays, and one origin that its client pinned to loopback.
class WorkerRig {
 public:
  enum class Spool : std::uint8_t { kAnswers, kRefuses, kIsGone };

  // What the worker starts with; by default the project's catalogue, and no TLS that verifies.
  using MakeParts = std::function<WorkerParts(boost::asio::io_context& io)>;
  WorkerRig();
  explicit WorkerRig(const MakeParts& make_parts);
  ~WorkerRig();
  WorkerRig(const WorkerRig&) = delete;
  WorkerRig& operator=(const WorkerRig&) = delete;

  // A client with one agent that may reach the origin, and a credential of another host.
  WorkerConfig config() const;
  void configure(const WorkerConfig& config);
  void send(const std::string& packet) { (void)channel_->send(packet); }

  // An agent's connection to the proxy's port.
  net::testing::RawClient connect();
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  // Hands a connected socket over as such a connection, or as one that came in otherwise.
  void hand_over(int socket, Entrance entrance = Entrance::kProxy, Ipv4 destination = {},
                 std::uint16_t port = 0);

  // "GET http://origin…/path HTTP/1.1" with the Host field, and the blank line behind `fields`.
  std::string request(std::string_view line_start, std::string_view path,
                      std::string_view fields = {}) const;
  std::string get(std::string_view path) const { return request("GET", path); }
  std::string origin_authority() const;

  void set_spool(Spool spool);

  // The first record of that kind, waited for; a failure of the test when there is none.
  ToldRecord told(RecordKind kind);
  const std::vector<ToldRecord>& records() const { return records_; }
  template <class Done>
  bool until(Done done) {
    return net::testing::run_until(io, done);
  }
  // Lets everything come that the worker holds for a moment: for what must not have been told.
  void settle() {
    const auto over = std::chrono::steady_clock::now() + 10 * AuditTrail::kMostHeld;
    until([over] { return std::chrono::steady_clock::now() >= over; });
  }
  bool ended() const { return ended_; }
  // What the supervisor does with a token that the worker has renewed.
  std::function<void(RenewedMessage)> on_renewed = [](const RenewedMessage&) {};
  // The ledger's answer to an intent with a charge; by default all that is wanted.
  std::function<IntentAnswer(const RecordMessage&)> on_charge = [](const RecordMessage& intent) {
    return IntentAnswer{.id = intent.id, .grant = {.micro_dollars = intent.charge.wanted}};
  };
  // What the worker told its supervisor.
  const std::vector<std::string>& packets() const { return packets_; }

  static constexpr const char* kHost = "origin.example.com";
  static constexpr const char* kPlaceholder = "dcph_0123456789abcdefghijklmnopqrstuvwxyzABCD";
  static constexpr const char* kSecret = "real-secret-value-0123456789-abcdefghijklmnopqrstuvwxyz";

  boost::asio::io_context io;
  SmallOrigin origin{io};
  const AgentId agent = AgentId::random();

 private:
  Task<void> run_worker();
  Task<void> accept();
  Task<void> play_spool();
  Task<void> play_supervisor();

  WorkerParts parts_;
  std::unique_ptr<PacketChannel> channel_;
  std::unique_ptr<PacketChannel> audit_;
  std::unique_ptr<Worker> worker_;
  TaskGroup tasks_{io.get_executor()};
  boost::asio::ip::tcp::acceptor acceptor_;
  Spool spool_ = Spool::kAnswers;
  std::uint64_t received_ = 0;
  std::vector<ToldRecord> records_;
  std::vector<std::string> packets_;
  bool ended_ = false;
};

}  // namespace deployclaw::egress::testing
