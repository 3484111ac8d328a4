// Hostile frames from an upstream: what goes on to the agent is well-formed, holds the same control
// frames and messages of the same lengths, however the bytes are split, and no secret, however it
// was cut into frames.
#include <cstdlib>
#include <optional>

#include "egress/websocket_messages.hpp"

namespace {

namespace egress = deployclaw::egress;
namespace scrub = deployclaw::scrub;

constexpr std::string_view kValue = "sk-12345678";

void require(bool holds) {
  if (!holds) std::abort();
}

std::shared_ptr<const scrub::PatternSet> make_set() {
  std::vector<scrub::PatternSource> sources;
  sources.push_back({.id = 0, .value = deployclaw::Secret::copy_of(kValue), .placeholder = "PH"});
  auto set = scrub::PatternSet::build(std::move(sources));
  require(set.has_value());
  return *set;
}

struct Read {
  std::vector<std::string> messages;  // the last one may be open
  std::vector<std::string> control;
  bool open = false;
  bool good = true;
};

Read read(std::string_view in) {
  using Kind = scrub::FrameStep::Kind;
  scrub::FrameReader reader(scrub::FrameReader::Sender::kServer);
  Read out;
  while (!in.empty()) {
    const auto step = reader.step(in);
    if (!step) {
      out.good = false;
      return out;
    }
    const auto& header = reader.header();
    const bool control = scrub::is_control(header.opcode);
    auto& list = control ? out.control : out.messages;
    if (step->kind == Kind::kFrameStart && header.opcode != scrub::Opcode::kContinuation) {
      list.emplace_back();
    }
    if (step->kind == Kind::kPayload) list.back() += in.substr(0, step->consumed);
    if (!control && step->kind != Kind::kNeedMore) out.open = !(step->frame_ends && header.fin);
    in.remove_prefix(step->consumed);
  }
  return out;
}

std::optional<std::string> pass(const std::shared_ptr<const scrub::PatternSet>& set, std::string in,
                                std::size_t step) {
  egress::AnswerMessages answers(set);
  std::string out;
  for (std::size_t at = 0; at < in.size(); at += step) {
    if (!answers.take(in.data() + at, std::min(step, in.size() - at), out)) return std::nullopt;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const auto kSet = make_set();
  const std::string in(reinterpret_cast<const char*>(data), size);
  const auto whole = pass(kSet, in, size + 1);
  const auto bytes = pass(kSet, in, 1);
  require(whole.has_value() == bytes.has_value());
  const auto was = read(in);
  require(was.good == whole.has_value());
  if (!whole) return 0;
  for (const auto& out : {*whole, *bytes}) {
    const auto got = read(out);
    require(got.good && got.messages.size() <= was.messages.size());
    for (std::size_t i = 0; i < got.messages.size(); ++i) {
      const bool last = i + 1 == was.messages.size();
      require(got.messages[i].size() == was.messages[i].size() || (last && was.open));
      require(!scrub::find_in(*kSet, got.messages[i]));
    }
    require(got.control.size() <= was.control.size());
  }
  return 0;
}
