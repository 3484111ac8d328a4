#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

// WebSocket frames (RFC 6455 §5) as they pass through: heads are read, payloads never gathered.
namespace deployclaw::scrub {

enum class Opcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};
constexpr bool is_control(Opcode opcode) { return opcode >= Opcode::kClose; }

struct FrameHeader {
  bool fin = true;
  Opcode opcode = Opcode::kText;
  bool masked = false;
  std::array<unsigned char, 4> mask{};  // when masked
  std::uint64_t length = 0;             // of the payload, below 2^63

  bool operator==(const FrameHeader&) const = default;
};

// One step of reading.
struct FrameStep {
  enum class Kind : std::uint8_t {
    kNeedMore,    // all bytes were taken into an unfinished head; nothing to do
    kFrameStart,  // a head is complete: see header()
    kPayload,     // the first `consumed` bytes of the input are payload
  };
  Kind kind = Kind::kNeedMore;
  std::size_t consumed = 0;
  std::uint64_t offset = 0;  // kPayload: where in the frame's payload these bytes stand
  bool frame_ends = false;   // the frame is complete with this step
};

// Reads the frames one side sends, split anywhere, without keeping payload. Strict: what RFC 6455
// forbids is kMalformed (and stays so): reserved bits, unknown opcodes, control frames that are
// fragmented or over 125 bytes, a close frame of one byte, lengths not in their shortest form, a
// client's frame without mask, a server's with one, a continuation of nothing, a new message inside
// another, anything after a close frame. Belongs to one thread; never allocates but for the error.
class FrameReader {
 public:
  enum class Sender : std::uint8_t { kClient, kServer };
  explicit FrameReader(Sender sender) : sender_(sender) {}

  // Takes one step from the front of `in` (which must not be empty).
  Result<FrameStep> step(std::string_view in);

  // The frame now being read; valid from kFrameStart on.
  [[nodiscard]] const FrameHeader& header() const { return header_; }
  // Text or binary: what a continuation frame continues; valid while reading a data frame.
  [[nodiscard]] Opcode message_opcode() const { return message_opcode_; }
  // True between frames: a stream that ends elsewhere was cut off.
  [[nodiscard]] bool at_boundary() const { return head_size_ == 0 && !in_payload_; }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  Status accept_head();

  Sender sender_;
  FrameHeader header_;
  Opcode message_opcode_ = Opcode::kText;
  std::array<unsigned char, 14> head_{};
  std::uint8_t head_size_ = 0;
  bool in_payload_ = false;
  bool in_message_ = false;
  bool closed_ = false;
  bool dead_ = false;
  std::uint64_t offset_ = 0;
};

// Masks or unmasks (RFC 6455 §5.3) in place; `offset` is the position of `data` in the payload.
void apply_mask(char* data, std::size_t size, const std::array<unsigned char, 4>& mask,
                std::uint64_t offset);

// Appends a head in its shortest form (2 to 14 bytes). `header` must obey the rules above.
void append_frame_header(std::string& out, const FrameHeader& header);

}  // namespace deployclaw::scrub
