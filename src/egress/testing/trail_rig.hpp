#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "egress/audit_trail.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::egress::testing {

inline constexpr auto kIntent = RecordKind::kIntent;
inline constexpr auto kOutcome = RecordKind::kOutcome;
inline constexpr auto kEvent = RecordKind::kEvent;

inline const boost::json::object kRecord{{"target", "t"}};
inline const boost::json::object kSuccess{{"outcome", "success"}};

// A trail, and its other end as the spool has it.
class TrailRig : public ::testing::Test {
 protected:
  using Told = std::vector<std::pair<RecordKind, std::uint64_t>>;

  // With all the time there is or none, so that no test is lost to a slow machine.
  static constexpr std::chrono::hours kLong{1};
  static constexpr std::chrono::microseconds kNoTime{0};
  explicit TrailRig(const Gathering::Patience& patience = {.in_all = kLong,
                                                           .after_an_end = kNoTime})
      : TrailRig(make_packet_pair().value(), patience) {}
  TrailRig(std::pair<linux::UniqueFd, linux::UniqueFd> ends, const Gathering::Patience& patience)
      : spool(io.get_executor(), std::move(ends.first)),
        trail(io.get_executor(), std::move(ends.second), patience) {}

  // What is ready to be done, without waiting for anything.
  void turn() {
    io.restart();
    io.poll();
  }
  // The next thing that is ready.
  void step() {
    io.restart();
    io.poll_one();
  }
  static Told told_in(const Packet& packet) {
    Told out;
    const auto records = read_records(packet.bytes).value();
    for (const auto& one : records) out.emplace_back(one.kind, one.id);
    return out;
  }
  // The next packet, waited for.
  Told next() {
    const auto packet = net::testing::run_task(io, spool.receive());
    return packet ? told_in(*packet) : Told{};
  }
  // What of the next packet is there without waiting.
  Told there() {
    const auto packet = spool.receive_now();
    return packet ? told_in(*packet) : Told{};
  }
  void take_answers() {
    io.restart();
    boost::asio::co_spawn(io, trail.run(), boost::asio::detached);
  }
  // Tells the intent of that call as granted.
  void grant(AuditTrail::Intent& intent) {
    take_answers();
    const IntentAnswer answer{.id = intent.id(), .grant = {.micro_dollars = 5}};
    ASSERT_TRUE(spool.send(encode(DurableMessage{.sequence = 1, .answers = {answer}})));
    ASSERT_TRUE(net::testing::run_task(io, intent.durable()));
  }

  const AgentId agent = AgentId::random();
  boost::asio::io_context io;
  PacketChannel spool;
  AuditTrail trail;
};

}  // namespace deployclaw::egress::testing
