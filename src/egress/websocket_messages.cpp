#include "egress/websocket_messages.hpp"

#include <algorithm>

namespace deployclaw::egress {

using scrub::FrameHeader;
using scrub::FrameReader;
using scrub::FrameStep;
using scrub::Opcode;

namespace {

Error not_websocket() {
  return {.code = Code::kForbidden,
          .message = "bad frames",
          .reason = "websocket_malformed",
          .public_detail = "The frames are not well-formed."};
}

void append_payload(std::string& out, std::string_view plain, const FrameHeader& header,
                    std::uint64_t offset) {
  const auto start = out.size();
  out += plain;
  if (header.masked) scrub::apply_mask(out.data() + start, plain.size(), header.mask, offset);
}

void append_frame(std::string& out, FrameHeader header, std::string_view plain) {
  header.length = plain.size();
  scrub::append_frame_header(out, header);
  append_payload(out, plain, header, 0);
}

}  // namespace

// ---- Writing.

void MessageWriter::start_frame(std::string& out, const FrameHeader& header, Opcode message) {
  now_ = header;
  if (header.opcode == Opcode::kContinuation) return;
  message_ = message;
  whole_ = header.fin;
  if (!whole_) return;
  scrub::append_frame_header(out, header);
  left_ = header.length;
}

void MessageWriter::data(std::string& out, std::string_view bytes, bool ends) {
  if (whole_) {
    append_payload(out, bytes, now_, now_.length - left_);
    left_ -= bytes.size();
    return;
  }
  if (bytes.empty() && !ends) return;
  FrameHeader header = now_;
  header.fin = ends;
  header.opcode = message_;
  append_frame(out, header, bytes);
  message_ = Opcode::kContinuation;
}

// ---- Reading.

Status MessageReader::take(char* data, std::size_t size, std::string& out) {
  while (size > 0) {
    const auto step = frames_.step({data, size});
    if (!step) return fail(not_websocket());
    const auto& header = frames_.header();
    const bool is_control = scrub::is_control(header.opcode);
    const bool ends_message = step->frame_ends && header.fin;
    Status done;
    if (step->kind == FrameStep::Kind::kFrameStart) {
      if (!is_control) start_frame(out);
      if (is_control && step->frame_ends) done = end_control(out);
      // An empty frame has no payload, and may be the end of its message.
      if (!is_control && ends_message) done = this->data({}, true, out);
    } else if (step->kind == FrameStep::Kind::kPayload) {
      if (header.masked) scrub::apply_mask(data, step->consumed, header.mask, step->offset);
      const std::string_view plain(data, step->consumed);
      if (is_control) {
        control_ += plain;
        if (step->frame_ends) done = end_control(out);
      } else {
        done = this->data(plain, ends_message, out);
      }
    }
    if (!done) return done;
    data += step->consumed;
    size -= step->consumed;
  }
  return {};
}

Status MessageReader::end_control(std::string& out) {
  auto looked = control(control_);
  if (!looked) return looked;
  append_frame(out, frames_.header(), control_);
  control_.clear();
  return {};
}

void MessageReader::start_frame(std::string& out) {
  writer_.start_frame(out, frames_.header(), frames_.message_opcode());
}

// ---- From the upstream.

AnswerMessages::AnswerMessages(std::shared_ptr<const scrub::PatternSet> patterns)
    : MessageReader(FrameReader::Sender::kServer),
      patterns_(std::move(patterns)),
      scrubber_(patterns_) {}

Status AnswerMessages::data(std::string_view plain, bool message_ends, std::string& out) {
  held_ += plain;
  const std::size_t ready = scrubber_.scrub(held_.data(), held_.size(), message_ends);
  writer_.data(out, std::string_view(held_).substr(0, ready), message_ends);
  held_.erase(0, ready);
  return {};
}

Status AnswerMessages::control(std::string& plain) {
  scrub::Scrubber whole(patterns_);
  whole.scrub(plain.data(), plain.size(), true);
  control_hits_.insert(control_hits_.end(), whole.hits().begin(), whole.hits().end());
  return {};
}

std::vector<scrub::Hit> AnswerMessages::hits() const {
  auto all = scrubber_.hits();
  all.insert(all.end(), control_hits_.begin(), control_hits_.end());
  return all;
}

// ---- From the agent.

RequestMessages::RequestMessages(std::shared_ptr<const AgentContext> agent,
                                 std::vector<services::Injection> injections, const Clock& clock)
    : MessageReader(FrameReader::Sender::kClient),
      agent_(std::move(agent)),
      injections_(std::move(injections)),
      clock_(clock),
      finder_(agent_->request_patterns),
      injects_(services::injects_messages(injections_)) {}

RequestMessages::~RequestMessages() { wipe_string(message_); }

void RequestMessages::start_frame(std::string& out) {
  const bool gathers = injects_ && frames_.message_opcode() == Opcode::kText;
  if (!gathers) MessageReader::start_frame(out);
}

Status RequestMessages::data(std::string_view plain, bool message_ends, std::string& out) {
  if (injects_ && frames_.message_opcode() == Opcode::kText) {
    return gather(plain, message_ends, out);
  }
  held_ += plain;
  const auto outcome = finder_.scan(held_, message_ends);
  if (outcome.finding) return refuse(outcome.finding->id);
  writer_.data(out, std::string_view(held_).substr(0, outcome.ready), message_ends);
  held_.erase(0, outcome.ready);
  return {};
}

Status RequestMessages::control(std::string& plain) {
  const auto found = scrub::find_in(*agent_->request_patterns, plain);
  return found ? refuse(found->id) : Status{};
}

Status RequestMessages::gather(std::string_view plain, bool message_ends, std::string& out) {
  if (message_.size() + plain.size() > kMostMessage) {
    return fail(Code::kForbidden, "message_too_large",
                "Text messages to this host may have 64 KiB at most.");
  }
  message_ += plain;
  if (!message_ends) return {};
  const auto& context = *agent_;
  if (const auto real = scrub::find_in(*context.response_patterns, message_)) {
    return refuse(real->id);
  }
  const services::SecretSource source = [&, now = clock_.now()](std::string_view name) {
    return context.secret(name, now);
  };
  auto injected =
      services::inject_message(message_, injections_, context.policy.credentials(), source);
  if (!injected) return fail(std::move(injected.error()));
  for (const auto name : *injected) used_.emplace_back(name);
  FrameHeader header = frames_.header();
  header.fin = true;
  header.opcode = Opcode::kText;
  append_frame(out, header, message_);
  wipe_string(message_);
  message_.clear();
  return {};
}

Status RequestMessages::refuse(std::uint32_t pattern) const {
  return fail(agent_->misplaced(pattern, "A message"));
}

}  // namespace deployclaw::egress
