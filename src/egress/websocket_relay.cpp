#include "egress/websocket_relay.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "egress/websocket_messages.hpp"

namespace deployclaw::egress {
namespace {

// For the answer to a close frame, and for an agent to take the one that says why it ends.
constexpr std::chrono::seconds kClosing{5};
constexpr std::size_t kMostUnwanted = 4UL * 1024 * 1024;
constexpr std::uint16_t kPolicyViolation = 1008;  // RFC 6455 §7.4.1

std::string close_frame(std::uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  payload += reason.substr(0, 123);
  std::string out;
  const scrub::FrameHeader header{
      .fin = true, .opcode = scrub::Opcode::kClose, .masked = false, .length = payload.size()};
  scrub::append_frame_header(out, header);
  return out + payload;
}

// Both directions of one WebSocket.
class Relay {
 public:
  Relay(WorkerShared& shared, std::shared_ptr<const AgentContext> agent,
        std::vector<services::Injection> injections, StreamReader& agent_side,
        StreamReader& upstream_side)
      : shared_(shared),
        agent_(agent_side),
        upstream_(upstream_side),
        answers_(agent->response_patterns),
        requests_(agent, std::move(injections), shared.clock) {}

  Task<WebSocketCounts> run() {
    using namespace boost::asio::experimental::awaitable_operators;
    auto both = carry_answers() && carry_requests();
    co_await std::move(both);
    counts_.hits = answers_.hits();
    counts_.used = requests_.take_used();
    co_return std::move(counts_);
  }

 private:
  Task<void> carry_answers() {
    const bool well = co_await one_way(upstream_, agent_, answers_, counts_.received);
    if (counts_.refused) co_await tell_refused();
    if (!well) interrupt();
  }

  Task<void> carry_requests() {
    const bool well = co_await one_way(agent_, upstream_, requests_, counts_.sent);
    if (well) co_return;
    if (!counts_.refused || answers_ended_) {
      interrupt();
      co_return;
    }
    // What has left is not a whole message, and never will be. The other direction wakes up, tells
    // the agent, and ends the rest.
    agent_.stream().set_deadline(kClosing);
    upstream_.stream().abort();
  }

  // True when it ended as it should: with a close frame.
  Task<bool> one_way(StreamReader& from, StreamReader& to, MessageReader& messages,
                     std::uint64_t& count) {
    const bool to_agent = &to == &agent_;
    auto buffer = shared_.buffers.take();
    std::string out;
    bool well = false;
    while (true) {
      set_deadline(from);
      const auto got = co_await from.read(buffer.data(), BufferPool::kRoom);
      if (!got) break;
      if (*got == 0) {
        well = messages.closed();
        break;
      }
      count += *got;
      auto taken = messages.take(buffer.data(), *got, out);
      if (!taken && !counts_.refused) counts_.refused = std::move(taken.error());
      // What an upstream sent before it broke the protocol is good; an agent's may be half a
      // secret.
      if (!taken && !to_agent) break;
      set_deadline(to);
      const auto written = co_await write_rest(to.stream(), out);
      wipe_string(out);
      out.clear();
      agent_cut_ = agent_cut_ || (!written && to_agent);
      // Whoever has closed its side takes nothing more, which is no reason to cut the other off.
      if (!taken || (!written && !closing_)) break;
      if (messages.closed()) begin_closing();
    }
    wipe_string(out);
    (to_agent ? answers_ended_ : requests_ended_) = true;
    if (well) (void)co_await to.stream().shutdown_send();
    co_return well;
  }

  void set_deadline(StreamReader& side) {
    if (!closing_) side.stream().set_deadline(shared_.deadlines.tunnel);
  }

  void begin_closing() {
    if (std::exchange(closing_, true)) return;
    agent_.stream().set_deadline(kClosing);
    upstream_.stream().set_deadline(kClosing);
  }

  Task<void> tell_refused() {
    if (agent_cut_ || !answers_.at_boundary() || answers_.closed()) co_return;
    agent_.stream().set_deadline(kClosing);
    const auto frame = close_frame(kPolicyViolation, counts_.refused->public_detail);
    const auto told = co_await write_rest(agent_.stream(), frame);
    if (!told || !requests_ended_) co_return;
    (void)co_await agent_.stream().shutdown_send();
    // What the agent still sends is read, or what it was told might be lost in a reset.
    auto buffer = shared_.buffers.take();
    for (std::size_t all = 0; all < kMostUnwanted;) {
      const auto got = co_await agent_.read(buffer.data(), BufferPool::kRoom);
      if (!got || *got == 0) break;
      all += *got;
    }
  }

  void interrupt() {
    agent_.stream().interrupt();
    upstream_.stream().interrupt();
  }

  WorkerShared& shared_;
  StreamReader& agent_;
  StreamReader& upstream_;
  AnswerMessages answers_;
  RequestMessages requests_;
  WebSocketCounts counts_;
  bool closing_ = false;        // a close frame has passed
  bool answers_ended_ = false;  // nobody is left to tell the agent
  bool requests_ended_ = false;
  bool agent_cut_ = false;  // something for the agent went out in part
};

}  // namespace

Task<WebSocketCounts> carry_websocket(WorkerShared& shared,
                                      std::shared_ptr<const AgentContext> agent,
                                      std::vector<services::Injection> injections,
                                      StreamReader& agent_side, StreamReader& upstream_side) {
  Relay relay(shared, std::move(agent), std::move(injections), agent_side, upstream_side);
  auto running = relay.run();
  auto counts = co_await std::move(running);
  co_return counts;
}

}  // namespace deployclaw::egress
