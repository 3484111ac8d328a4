#include "egress/websocket_relay.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cstring>

#include "scrub/finder.hpp"
#include "scrub/scrubber.hpp"
#include "scrub/websocket_frames.hpp"

namespace deployclaw::egress {
namespace {

using scrub::FrameHeader;
using scrub::FrameReader;
using scrub::FrameStep;

constexpr std::size_t kMostMessage = 64UL * 1024;

Error not_websocket() {
  return {.code = Code::kForbidden,
          .message = "bad frames",
          .reason = "websocket_malformed",
          .public_detail = "The frames are not well-formed."};
}

// What both directions know.
struct Relay {
  WorkerShared& shared;
  std::shared_ptr<const AgentContext> agent;
  std::vector<services::Injection> injections;
  StreamReader& agent_side;
  StreamReader& upstream_side;
  WebSocketCounts counts;

  void end(std::optional<Error> why) {
    if (why && !counts.refused) counts.refused = std::move(why);
    agent_side.stream().interrupt();
    upstream_side.stream().interrupt();
  }
};

// ---- From the upstream: heads pass as they are, payloads are scrubbed in place. A frame's last
// bytes are never held back.
class Downward {
 public:
  explicit Downward(Relay& relay)
      : relay_(relay), reader_(FrameReader::Sender::kServer), scrubber_(patterns()) {}

  Task<void> run() {
    auto buffer = relay_.shared.buffers.take();
    while (true) {
      relay_.upstream_side.stream().set_deadline(relay_.shared.deadlines.tunnel);
      const auto got = co_await relay_.upstream_side.read(buffer.data(), BufferPool::kRoom);
      if (!got || *got == 0) break;
      relay_.counts.received += *got;
      out_.clear();
      if (!take({buffer.data(), *got})) {
        relay_.counts.hits = scrubber_.hits();
        relay_.end(not_websocket());
        co_return;
      }
      relay_.agent_side.stream().set_deadline(relay_.shared.deadlines.tunnel);
      const auto written = co_await write_rest(relay_.agent_side.stream(), out_);
      if (!written) break;
    }
    relay_.counts.hits = scrubber_.hits();
    relay_.end(std::nullopt);
  }

 private:
  [[nodiscard]] std::shared_ptr<const scrub::PatternSet> patterns() const {
    return relay_.agent->response_patterns;
  }

  bool take(std::string_view in) {
    while (!in.empty()) {
      const auto step = reader_.step(in);
      if (!step) return false;
      const auto bytes = in.substr(0, step->consumed);
      in.remove_prefix(step->consumed);
      if (step->kind == FrameStep::Kind::kFrameStart) {
        scrub::append_frame_header(out_, reader_.header());
      } else if (step->kind == FrameStep::Kind::kPayload) {
        payload(bytes, step->frame_ends);
      }
    }
    return true;
  }

  void payload(std::string_view bytes, bool frame_ends) {
    if (scrub::is_control(reader_.header().opcode)) {
      std::string control(bytes);
      scrub::Scrubber whole(patterns());
      whole.scrub(control.data(), control.size(), true);
      out_ += control;
      return;
    }
    // A frame's end releases what is held: its bytes must come before the next head. So a secret
    // split over two frames of one message is not found (docs/security/egress.md).
    held_ += bytes;
    const std::size_t ready = scrubber_.scrub(held_.data(), held_.size(), frame_ends);
    out_.append(held_, 0, ready);
    held_.erase(0, ready);
  }

  Relay& relay_;
  FrameReader reader_;
  scrub::Scrubber scrubber_;
  std::string held_;
  std::string out_;
};

// ---- From the agent.
class Upward {
 public:
  explicit Upward(Relay& relay)
      : relay_(relay),
        reader_(FrameReader::Sender::kClient),
        finder_(relay.agent->request_patterns),
        injects_(services::injects_messages(relay.injections)) {}

  Task<void> run() {
    auto buffer = relay_.shared.buffers.take();
    while (true) {
      relay_.agent_side.stream().set_deadline(relay_.shared.deadlines.tunnel);
      const auto got = co_await relay_.agent_side.read(buffer.data(), BufferPool::kRoom);
      if (!got || *got == 0) break;
      relay_.counts.sent += *got;
      wipe_string(out_);
      out_.clear();
      if (auto taken = take(buffer.data(), *got); !taken) {
        relay_.end(std::move(taken.error()));
        co_return;
      }
      if (out_.empty()) continue;
      relay_.upstream_side.stream().set_deadline(relay_.shared.deadlines.tunnel);
      const auto written = co_await write_rest(relay_.upstream_side.stream(), out_);
      if (!written) break;
    }
    wipe_string(out_);
    relay_.end(std::nullopt);
  }

 private:
  Status take(char* data, std::size_t size) {
    while (size > 0) {
      const auto step = reader_.step({data, size});
      if (!step) return fail(not_websocket());
      if (step->kind == FrameStep::Kind::kFrameStart) {
        start();
        // An empty frame has no payload step, and may be the end of a message that is gathered.
        if (step->frame_ends && gathers_) {
          if (auto taken = gather({}, true); !taken) return taken;
        }
      } else if (step->kind == FrameStep::Kind::kPayload) {
        scrub::apply_mask(data, step->consumed, reader_.header().mask, step->offset);
        if (auto taken = payload({data, step->consumed}, step->offset, step->frame_ends); !taken) {
          return taken;
        }
      }
      data += step->consumed;
      size -= step->consumed;
    }
    return {};
  }

  void start() {
    const auto& header = reader_.header();
    // A text message is read whole where something may have to be put into it.
    gathers_ = injects_ && !scrub::is_control(header.opcode) &&
               reader_.message_opcode() == scrub::Opcode::kText;
    if (!gathers_) scrub::append_frame_header(out_, header);
  }

  Status payload(std::string_view plain, std::uint64_t offset, bool frame_ends) {
    if (gathers_) return gather(plain, frame_ends);
    const bool control = scrub::is_control(reader_.header().opcode);
    scrub::Finder own(relay_.agent->request_patterns);
    auto& finder = control ? own : finder_;
    // All of it is scanned with what came before it; a hit ends the connection before it leaves.
    scanned_ += plain;
    const bool ends = frame_ends && (control || reader_.header().fin);
    const auto outcome = control ? finder.scan(plain, true) : finder.scan(scanned_, ends);
    if (control) scanned_.resize(scanned_.size() - plain.size());
    if (outcome.finding) return refuse(outcome.finding->id);
    if (!control) scanned_.erase(0, outcome.ready);
    const auto start = out_.size();
    out_ += plain;
    scrub::apply_mask(out_.data() + start, plain.size(), reader_.header().mask, offset);
    return {};
  }

  Status gather(std::string_view plain, bool frame_ends) {
    if (message_.size() + plain.size() > kMostMessage) {
      return fail(Code::kForbidden, "message_too_large",
                  "Text messages to this host may have 64 KiB at most.");
    }
    message_ += plain;
    if (!frame_ends || !reader_.header().fin) return {};
    const auto& context = *relay_.agent;
    if (const auto real = scrub::find_in(*context.response_patterns, message_)) {
      return refuse(real->id);
    }
    const services::SecretSource source = [&](std::string_view name) {
      return context.secret(name, relay_.shared.clock.now());
    };
    auto injected =
        services::inject_message(message_, relay_.injections, context.policy.credentials(), source);
    if (!injected) return fail(injected.error());
    for (const auto name : *injected) relay_.counts.used.emplace_back(name);
    const FrameHeader header{.fin = true,
                             .opcode = scrub::Opcode::kText,
                             .masked = true,
                             .mask = reader_.header().mask,
                             .length = message_.size()};
    scrub::append_frame_header(out_, header);
    scrub::apply_mask(message_.data(), message_.size(), header.mask, 0);
    out_ += message_;
    wipe_string(message_);
    message_.clear();
    return {};
  }

  Status refuse(std::uint32_t pattern) {
    return fail(relay_.agent->misplaced(pattern, "A message"));
  }

  Relay& relay_;
  FrameReader reader_;
  scrub::Finder finder_;
  const bool injects_;
  bool gathers_ = false;
  std::string scanned_;
  std::string message_;
  std::string out_;
};

Task<void> downward(Relay& relay) {
  Downward direction(relay);
  co_await direction.run();
}

Task<void> upward(Relay& relay) {
  Upward direction(relay);
  co_await direction.run();
}

}  // namespace

Task<WebSocketCounts> carry_websocket(WorkerShared& shared,
                                      std::shared_ptr<const AgentContext> agent,
                                      std::vector<services::Injection> injections,
                                      StreamReader& agent_side, StreamReader& upstream_side) {
  using namespace boost::asio::experimental::awaitable_operators;
  Relay relay{.shared = shared,
              .agent = std::move(agent),
              .injections = std::move(injections),
              .agent_side = agent_side,
              .upstream_side = upstream_side,
              .counts = {}};
  auto both = downward(relay) && upward(relay);
  co_await std::move(both);
  co_return std::move(relay.counts);
}

}  // namespace deployclaw::egress
