#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "scrub/form.hpp"
#include "scrub/matcher.hpp"
#include "scrub/secret_patterns.hpp"

namespace deployclaw::scrub {

// One kind of discovery in a stream, for audit.
struct Hit {
  std::uint32_t id = 0;
  Form form = {};
  std::uint64_t count = 0;
};

// Turns real secrets in one direction of one byte stream back into their placeholders, in place and
// without changing any length, so that framing and offsets stay true. Never fails, never allocates
// unless something is found. Belongs to one thread; the set may be shared.
//
//   std::size_t held = 0;                                    // bytes at the front of `buffer`
//   for (;;) {
//     const std::size_t got = read(buffer + held, …);        // got == 0: end of the stream
//     const std::size_t ready = scrubber.scrub(buffer, held + got, got == 0);
//     write(buffer, ready);
//     held = held + got - ready;
//     std::memmove(buffer, buffer + ready, held);
//   }
class Scrubber {
 public:
  explicit Scrubber(std::shared_ptr<const PatternSet> patterns);

  // Scrubs `data[0, size)` and returns how many bytes from the front may be forwarded. The rest can
  // still be the beginning of a secret: present it again, unchanged, in front of the next bytes
  // (at most max_held()). With `end` everything is released. Linear in the new bytes.
  //
  // A secret found as it is, in hex or in base64 becomes its placeholder in the same coding, cut or
  // padded with '*' to the value's length; with escapes inside, the plain placeholder, cut or
  // padded with '*'. Where secrets overlap, each byte of each is overwritten.
  std::size_t scrub(char* data, std::size_t size, bool end);

  // What was found so far: one entry per id and form.
  [[nodiscard]] const std::vector<Hit>& hits() const { return hits_; }
  [[nodiscard]] std::size_t max_held() const { return patterns_->max_held(); }
  // The work done so far, in characters looked at: a measure for tests that no machine changes.
  [[nodiscard]] std::uint64_t steps() const { return matcher_.steps(); }

 private:
  void record(const Match& match);

  std::shared_ptr<const PatternSet> patterns_;
  Matcher matcher_;
  std::vector<Hit> hits_;
};

}  // namespace deployclaw::scrub
