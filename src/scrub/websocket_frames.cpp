#include "scrub/websocket_frames.hpp"

#include <cstring>

namespace deployclaw::scrub {
namespace {

constexpr std::uint64_t kMostControlPayload = 125;

bool is_known(unsigned opcode) { return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA); }

// Bytes of the whole head, from its first two.
std::size_t head_size_of(const std::array<unsigned char, 14>& head) {
  const unsigned length = head[1] & 0x7FU;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  const std::size_t mask = (head[1] & 0x80U) != 0 ? 4 : 0;
  return 2 + extended + mask;
}

std::unexpected<Error> malformed(const char* why) {
  return fail(Code::kMalformed, std::string("websocket frame: ") + why);
}

}  // namespace

Result<FrameStep> FrameReader::step(std::string_view in) {
  if (dead_) return malformed("the stream is broken");
  FrameStep step;
  if (in_payload_) {
    const std::uint64_t left = header_.length - offset_;
    step.kind = FrameStep::Kind::kPayload;
    step.offset = offset_;
    step.consumed = left < in.size() ? static_cast<std::size_t>(left) : in.size();
    offset_ += step.consumed;
    step.frame_ends = offset_ == header_.length;
    in_payload_ = !step.frame_ends;
    return step;
  }
  // The first two bytes decide how long the head is.
  while (step.consumed < in.size() && (head_size_ < 2 || head_size_ < head_size_of(head_))) {
    head_[head_size_++] = static_cast<unsigned char>(in[step.consumed++]);
  }
  if (head_size_ < 2 || head_size_ < head_size_of(head_)) return step;
  head_size_ = 0;
  if (auto status = accept_head(); !status) {
    dead_ = true;
    return fail(std::move(status.error()));
  }
  offset_ = 0;
  step.kind = FrameStep::Kind::kFrameStart;
  step.frame_ends = header_.length == 0;
  in_payload_ = !step.frame_ends;
  return step;
}

Status FrameReader::accept_head() {
  if (closed_) return malformed("data after a close frame");
  if ((head_[0] & 0x70U) != 0) return malformed("reserved bits are set");
  const unsigned opcode = head_[0] & 0x0FU;
  if (!is_known(opcode)) return malformed("unknown opcode");
  header_ = {.fin = (head_[0] & 0x80U) != 0,
             .opcode = static_cast<Opcode>(opcode),
             .masked = (head_[1] & 0x80U) != 0,
             .length = head_[1] & 0x7FU};
  if (header_.masked != (sender_ == Sender::kClient)) {
    return malformed(header_.masked ? "a server must not mask" : "a client must mask");
  }
  std::size_t at = 2;
  if (header_.length >= 126) {
    const std::size_t bytes = header_.length == 126 ? 2 : 8;
    header_.length = 0;
    for (; at < 2 + bytes; ++at) header_.length = header_.length << 8 | head_[at];
    const std::uint64_t least = bytes == 2 ? 126 : 0x10000;
    if (header_.length < least) return malformed("the length is not in its shortest form");
    if (header_.length >> 63 != 0) return malformed("the length is negative");
  }
  if (header_.masked) std::memcpy(header_.mask.data(), head_.data() + at, header_.mask.size());
  if (is_control(header_.opcode)) {
    if (!header_.fin) return malformed("a control frame is fragmented");
    if (header_.length > kMostControlPayload) return malformed("a control frame is too long");
    if (header_.opcode != Opcode::kClose) return {};
    if (header_.length == 1) return malformed("a close frame has half a code");
    closed_ = true;
    return {};
  }
  const bool continues = header_.opcode == Opcode::kContinuation;
  if (continues != in_message_) {
    return malformed(continues ? "a continuation of nothing" : "a message inside another");
  }
  if (!continues) message_opcode_ = header_.opcode;
  in_message_ = !header_.fin;
  return {};
}

void apply_mask(char* data, std::size_t size, const std::array<unsigned char, 4>& mask,
                std::uint64_t offset) {
  // Eight bytes at a time, with the mask turned to where `data` begins in it.
  std::array<unsigned char, 8> turned{};
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(offset + i) % 4];
  std::uint64_t wide = 0;
  std::memcpy(&wide, turned.data(), sizeof wide);
  std::size_t at = 0;
  for (; at + sizeof wide <= size; at += sizeof wide) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, data + at, sizeof bytes);
    bytes ^= wide;
    std::memcpy(data + at, &bytes, sizeof bytes);
  }
  for (; at < size; ++at) {
    data[at] = static_cast<char>(static_cast<unsigned char>(data[at]) ^ turned[at % 8]);
  }
}

void append_frame_header(std::string& out, const FrameHeader& header) {
  const auto put = [&out](std::uint64_t byte) { out += static_cast<char>(byte & 0xFF); };
  put((header.fin ? 0x80U : 0U) | static_cast<unsigned>(header.opcode));
  const std::uint64_t masked = header.masked ? 0x80 : 0;
  int bytes = 0;
  if (header.length < 126) {
    put(masked | header.length);
  } else if (header.length < 0x10000) {
    put(masked | 126);
    bytes = 2;
  } else {
    put(masked | 127);
    bytes = 8;
  }
  while (bytes-- > 0) put(header.length >> (8 * bytes));
  if (header.masked) {
    for (const unsigned char byte : header.mask) put(byte);
  }
}

}  // namespace deployclaw::scrub
