#include "scrub/websocket_frames.hpp"

#include <gtest/gtest.h>

namespace deployclaw::scrub {
namespace {

using namespace std::string_literals;
using Sender = FrameReader::Sender;
using Kind = FrameStep::Kind;

struct Seen {
  std::vector<FrameHeader> frames;
  std::string payload;  // unmasked, '|' behind each frame
  bool good = true;
  bool at_boundary = false;
};

Seen read(Sender sender, std::string_view in, std::size_t step) {
  FrameReader reader(sender);
  Seen seen;
  while (!in.empty()) {
    const auto piece = in.substr(0, step);
    const auto taken = reader.step(piece);
    if (!taken) {
      EXPECT_EQ(taken.error().code, Code::kMalformed);
      seen.good = false;
      return seen;
    }
    if (taken->kind == Kind::kFrameStart) seen.frames.push_back(reader.header());
    if (taken->kind == Kind::kPayload) {
      std::string text(piece.substr(0, taken->consumed));
      if (reader.header().masked) {
        apply_mask(text.data(), text.size(), reader.header().mask, taken->offset);
      }
      seen.payload += text;
    }
    if (taken->frame_ends) seen.payload += '|';
    in.remove_prefix(taken->consumed);
  }
  seen.at_boundary = reader.at_boundary();
  return seen;
}

bool accepts(Sender sender, std::string_view in) {
  const bool at_once = read(sender, in, in.size()).good;
  EXPECT_EQ(at_once, read(sender, in, 1).good);
  return at_once;
}

std::string frame(FrameHeader header, std::string payload) {
  header.length = payload.size();
  std::string out;
  append_frame_header(out, header);
  if (header.masked) apply_mask(payload.data(), payload.size(), header.mask, 0);
  return out + payload;
}

// RFC 6455 §5.7.
TEST(WebSocketFrames, ReadsTheExamplesOfRfc6455) {
  EXPECT_EQ(read(Sender::kServer, "\x81\x05Hello", 3).payload, "Hello|");
  EXPECT_EQ(read(Sender::kClient, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 4).payload,
            "Hello|");
  EXPECT_EQ(read(Sender::kServer, "\x01\x03Hel\x80\x02lo", 2).payload, "Hel|lo|");
  EXPECT_EQ(read(Sender::kServer, "\x89\x05Hello", 7).frames[0].opcode, Opcode::kPing);
}

TEST(WebSocketFrames, RoundTripsEveryLengthClassAtAnySplit) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7);
    const FrameHeader header{.opcode = Opcode::kBinary, .masked = true, .mask = {1, 2, 3, 250}};
    const auto bytes = frame(header, payload) + frame(header, "x");
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, bytes.size()}) {
      const auto seen = read(Sender::kClient, bytes, step);
      EXPECT_TRUE(seen.good);
      EXPECT_TRUE(seen.at_boundary);
      EXPECT_EQ(seen.payload, payload + "|x|");
      ASSERT_EQ(seen.frames.size(), 2U);
      EXPECT_EQ(seen.frames[0].length, size);
      EXPECT_EQ(seen.frames[0].mask, header.mask);
    }
  }
}

TEST(WebSocketFrames, MasksFromAnyOffset) {
  const std::string text = "some text of more than sixteen bytes";
  std::string whole = text;
  apply_mask(whole.data(), whole.size(), {9, 8, 7, 6}, 0);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    std::string parts = text;
    apply_mask(parts.data(), cut, {9, 8, 7, 6}, 0);
    apply_mask(parts.data() + cut, parts.size() - cut, {9, 8, 7, 6}, cut);
    EXPECT_EQ(parts, whole) << cut;
  }
}

TEST(WebSocketFrames, RefusesWhatRfc6455Forbids) {
  const std::string mask = "\x01\x02\x03\x04";
  for (const auto& bad : {"\xC1\x00"s,
                          "\xA1\x00"s,
                          "\x91\x00"s,  // reserved bits
                          "\x83\x00"s,
                          "\x87\x00"s,
                          "\x8B\x00"s,
                          "\x8F\x00"s,  // unknown opcodes
                          "\x09\x00"s,
                          "\x08\x00"s,          // fragmented control frames
                          "\x89\x7E\x00\x7E"s,  // a control frame of 126 bytes
                          "\x88\x01x"s,         // half a close code
                          "\x82\x7E\x00\x7D"s,
                          "\x82\x7F\0\0\0\0\0\0\xFF\xFF"s,  // lengths that fit a shorter form
                          "\x82\x7F\x80\0\0\0\0\0\0\0"s,    // a negative length
                          "\x80\x00"s,
                          "\x81\x00\x80\x00"s,  // continuations of nothing
                          "\x01\x00\x81\x00"s,
                          "\x01\x00\x02\x00"s,  // a message inside another
                          "\x88\x00\x89\x00"s,
                          "\x88\x00\x81\x00"s,   // after a close frame
                          "\x81\x80" + mask}) {  // a masked frame of a server
    EXPECT_FALSE(accepts(Sender::kServer, bad)) << testing::PrintToString(bad);
  }
  EXPECT_FALSE(accepts(Sender::kClient, "\x81\x00"s));
}

TEST(WebSocketFrames, AcceptsControlFramesInsideAMessage) {
  EXPECT_TRUE(accepts(Sender::kServer,
                      "\x01\x01"
                      "a\x89\x01p\x8A\x00\x80\x01"
                      "b\x88\x02\x03\xE8"s));
}

TEST(WebSocketFrames, TellsACutStream) {
  EXPECT_FALSE(read(Sender::kServer, "\x81\x05Hel", 9).at_boundary);
  EXPECT_FALSE(read(Sender::kServer, "\x81", 9).at_boundary);
  EXPECT_TRUE(read(Sender::kServer, "\x81\x01H", 9).at_boundary);
}

}  // namespace
}  // namespace deployclaw::scrub
