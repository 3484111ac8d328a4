// The worker's answers to DNS, as its supervisor and an agent's TCP connection see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "egress/testing/worker_rig.hpp"
#include "net/testing/stream_pair.hpp"

namespace deployclaw::egress {
namespace {

using net::testing::run_task;
using ::testing::HasSubstr;
using testing::WorkerRig;

// A query for the address of `name` (RFC 1035 §4.1).
std::string query(std::string_view name, char type = 1) {
  std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  out.append({'\0', '\0', type, '\0', '\1'});
  return out;
}

int rcode(std::string_view response) { return response.size() < 12 ? -1 : response[3] & 0x0f; }

class NamesTest : public ::testing::Test {
 protected:
  NamesTest() { rig.configure(rig.config()); }

  // The answers of so many datagrams.
  std::vector<DatagramMessage> answers(std::size_t count) {
    std::vector<DatagramMessage> out;
    rig.until([&] {
      out.clear();
      for (const auto& packet : rig.packets()) {
        if (auto answer = read_datagram(packet)) out.push_back(std::move(*answer));
      }
      return out.size() >= count;
    });
    return out;
  }
  void ask(const std::string& bytes, AgentId agent) {
    rig.send(encode(
        DatagramMessage{.agent = agent, .address = 0x0AE80007, .port = 5353, .bytes = bytes}));
  }
  std::size_t assigned() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        rig.packets(), [](const auto& packet) { return read_assigned(packet).has_value(); }));
  }

  WorkerRig rig;
};

TEST_F(NamesTest, AnAdmittedNameHasAnAddressThatLeadsHere) {
  ask(query(WorkerRig::kHost), rig.agent);
  const auto list = answers(1);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].agent, rig.agent);
  EXPECT_EQ(list[0].address, 0x0AE80007U);
  EXPECT_EQ(list[0].port, 5353);
  EXPECT_EQ(rcode(list[0].bytes), 0);
  EXPECT_EQ(list[0].bytes.substr(0, 2), "\x12\x34") << "of this query";
  EXPECT_THAT(list[0].bytes, HasSubstr("\xC6\x12")) << "198.18.0.0/15";
  EXPECT_EQ(assigned(), 1U) << "told, so that a restarted worker gives the same";
  ask(query(WorkerRig::kHost), rig.agent);
  EXPECT_EQ(answers(2)[1].bytes, list[0].bytes);
  EXPECT_EQ(assigned(), 1U);
}

TEST_F(NamesTest, ANameThatIsNotAdmittedIsNotThereAndTold) {
  ask(query("data.evil.example.net"), rig.agent);
  const auto list = answers(1);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(rcode(list[0].bytes), 3);
  const auto event = rig.told(RecordKind::kEvent);
  EXPECT_EQ(event.agent, rig.agent);
  EXPECT_THAT(boost::json::serialize(event.json), HasSubstr("data.evil.example.net"));
  EXPECT_EQ(assigned(), 0U);
}

TEST_F(NamesTest, AnAgentWithoutAPolicyGetsNoName) {
  ask(query(WorkerRig::kHost), AgentId::random());
  const auto list = answers(1);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(rcode(list[0].bytes), 3);
}

TEST_F(NamesTest, WhatIsNoQueryIsAnsweredOrNotButDoesNoHarm) {
  const auto good = query(WorkerRig::kHost);
  for (std::size_t size = 0; size < good.size(); ++size) ask(good.substr(0, size), rig.agent);
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0xff);
    ask(bad, rig.agent);
  }
  // A label that points at itself, and one that runs out of the message.
  ask(good.substr(0, 12) + std::string("\xc0\x0c\x00\x01\x00\x01", 6), rig.agent);
  ask(good.substr(0, 12) + std::string(64, '\x3f'), rig.agent);
  ask(good, rig.agent);
  ASSERT_TRUE(rig.until([&] {
    const auto list = answers(0);
    return !list.empty() && list.back().bytes.contains("\xC6\x12") && assigned() > 0;
  })) << "it goes on";
}

TEST_F(NamesTest, AnswersOverTcpOneBehindTheOther) {
  net::CoarseTimer timer(rig.io.get_executor());
  auto pair = net::testing::connect_pair(rig.io, timer);
  rig.hand_over(pair.server->raw().native_handle(), Entrance::kDns);
  pair.server.reset();
  const auto framed = [](const std::string& message) {
    return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size())} +
           message;
  };
  const auto both = framed(query(WorkerRig::kHost)) + framed(query("evil.example.net"));
  // However it is split.
  for (const char byte : both) {
    ASSERT_TRUE(run_task(rig.io, pair.client->write_all(std::string(1, byte))));
  }
  for (const int wanted : {0, 3}) {
    const auto size = run_task(rig.io, net::testing::read_exactly(*pair.client, 2));
    ASSERT_TRUE(size && size->size() == 2);
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>((*size)[0])) << 8 |
                        static_cast<unsigned char>((*size)[1]);
    const auto message = run_task(rig.io, net::testing::read_exactly(*pair.client, length));
    ASSERT_TRUE(message);
    EXPECT_EQ(rcode(*message), wanted);
  }
  ASSERT_TRUE(run_task(rig.io, pair.client->write_all(std::string("\x00\x00", 2))));
  EXPECT_EQ(run_task(rig.io, net::testing::read_to_end(*pair.client)).value_or("?"), "")
      << "an empty message ends it";
}

}  // namespace
}  // namespace deployclaw::egress
