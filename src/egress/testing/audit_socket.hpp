#pragma once

#include <boost/asio/io_context.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "egress/messages.hpp"
#include "egress/packet_channel.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::egress::testing {

// A worker's end of its audit socket, to say what a worker says; of `agent` unless it says
// otherwise.
class AuditSocket {
 public:
  AuditSocket(boost::asio::io_context& io, AgentId agent)
      : io_(io),
        agent_(agent),
        ends_(make_packet_pair().value()),
        mine_(io.get_executor(), std::move(ends_.first)) {}

  // For AuditIntake::add_worker(); once.
  linux::UniqueFd other_end() { return std::move(ends_.second); }

  void say(RecordKind kind, std::uint64_t id, std::string json) {
    say(kind, id, std::move(json), agent_);
  }
  void say(RecordKind kind, std::uint64_t id, std::string json, AgentId agent) {
    const RecordMessage message{.kind = kind, .agent = agent, .id = id, .json = std::move(json)};
    std::string packet;
    append(packet, message);
    say_raw(packet);
  }
  // An intent with a charge.
  void ask(std::uint64_t id, const Charge& charge, std::string json = "{}") {
    tell({.kind = RecordKind::kIntent,
          .agent = agent_,
          .id = id,
          .json = std::move(json),
          .charge = charge});
  }
  void tell(const RecordMessage& message) {
    std::string packet;
    append(packet, message);
    say_raw(packet);
  }
  void say_raw(const std::string& packet) {
    if (!mine_.send(packet)) throw std::runtime_error("the intake has gone");
  }

  // Waits for the next answer.
  DurableMessage answer() {
    const auto packet = net::testing::run_task(io_, mine_.receive());
    if (!packet) throw std::runtime_error(packet.error().message);
    return read_durable(packet->bytes).value();
  }

  void close() { mine_.close(); }

 private:
  boost::asio::io_context& io_;
  const AgentId agent_;
  std::pair<linux::UniqueFd, linux::UniqueFd> ends_;
  PacketChannel mine_;
};

}  // namespace deployclaw::egress::testing
