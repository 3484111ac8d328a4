// Reads HTTP/1.1 answers for the egress bench: as little as measuring needs, and fast.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace deployclaw::bench {

// One answer at a time; no pipelining. Trusts the servers of the bench, so it is no model of a
// parser.
class ResponseReader {
 public:
  enum class State { kMore, kDone, kBroken };

  // Takes what arrived. Body bytes (without chunk framing) are counted, and appended to `body` when
  // that is not null. After kDone the next bytes begin the next answer.
  State feed(std::string_view bytes, std::string* body);

  // Of the current or last answer; 0 before its head is whole.
  int status() const { return status_; }

  // Body bytes since construction.
  std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  enum class Stage { kHead, kFixed, kChunkSize, kChunkData, kTrailers };

  bool read_head();
  bool take_line(std::string_view& bytes);
  void take_body(std::string_view& bytes, std::string* body);
  State step(std::string_view& bytes, std::string* body);

  Stage stage_ = Stage::kHead;
  std::string head_;  // a head or line that is not whole yet
  std::uint64_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
};

}  // namespace deployclaw::bench
