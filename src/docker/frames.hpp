#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::docker {

enum class Stream : std::uint8_t { kStdin = 0, kStdout = 1, kStderr = 2 };

// Incremental parser of the engine's multiplexed output: frames of an 8-byte head (stream, three
// zero bytes, length as u32 big endian) and a payload. Bytes may be split anywhere; payload is
// handed on as it arrives, so a frame of 4 GiB costs no memory. Pure.
class FrameParser {
 public:
  using Sink = std::function<void(Stream, std::string_view payload)>;

  // Consumes all of `bytes`. kMalformed for a head that is none; the parser is then dead and
  // repeats the error.
  Status feed(std::string_view bytes, const Sink& sink);
  // True between frames: a stream that ends elsewhere was cut off.
  [[nodiscard]] bool at_boundary() const { return head_size_ == 0 && remaining_ == 0; }

 private:
  unsigned char head_[8] = {};
  std::size_t head_size_ = 0;
  std::uint64_t remaining_ = 0;
  Stream stream_ = Stream::kStdout;
  bool dead_ = false;
};

// Makes container output fit to store and show: invalid UTF-8 becomes U+FFFD, and of escape
// sequences only those stay that choose a look (colour, bold, …): `ESC [` up to 16 numbers of up to
// three digits with semicolons between `m`. Every other escape sequence and control character but
// tab goes. What exceeds `most_bytes`, in which looks count, is cut at a character or before a
// sequence; a look may so be left on at the end of a line. Pure.
std::string sanitize_line(std::string_view raw, std::size_t most_bytes);

// The same without looks either: the words alone, for where nothing draws them (a reason, a log).
// Pure.
std::string plain_text(std::string_view line);

// Splits one stream's payload into lines; an unterminated line longer than `most_bytes` is cut and
// its rest dropped, so hostile output cannot grow memory.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  void feed(std::string_view bytes, const std::function<void(std::string_view line)>& sink);
  // The last line when it had no end.
  void finish(const std::function<void(std::string_view line)>& sink);

 private:
  std::size_t most_bytes_;
  std::string line_;
  bool started_ = false;
};

}  // namespace deployclaw::docker
