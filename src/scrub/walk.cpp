#include "scrub/walk.hpp"

#include "scrub/escapes.hpp"

namespace deployclaw::scrub {

// Threads to follow. Bounded in two ways, since escaped text of a value that is itself nearly all
// backslashes could be read in exponentially many: at most kMostThreads wait, and at most
// kMostForks are made in one run. What exceeds that is not followed; no ordinary value comes near.
class Walk::Stack {
 public:
  void push(Thread thread) {
    if (size_ < kMostThreads && forks_++ < kMostForks) threads_[size_++] = thread;
  }
  bool pop(Thread& thread) {
    if (size_ == 0) return false;
    thread = threads_[--size_];
    return true;
  }

 private:
  static constexpr std::size_t kMostThreads = 32;
  static constexpr std::size_t kMostForks = 1 << 16;
  std::array<Thread, kMostThreads> threads_;  // the first size_ are set
  std::size_t size_ = 0;
  std::size_t forks_ = 0;
};

Walk::Outcome Walk::run(const PatternIndex& index, std::string_view text, bool end) {
  steps_ = 0;
  Stack stack;
  for (std::size_t i = 0; i < parked_count_; ++i) stack.push(parked_[i]);
  parked_count_ = 0;
  Thread thread{};
  while (stack.pop(thread)) follow(index, text, end, thread, stack);
  if (parked_count_ > 0) return Outcome::kOpen;
  return pattern_ == kNoPattern ? Outcome::kNone : Outcome::kMatch;
}

void Walk::follow(const PatternIndex& index, std::string_view text, bool end, Thread thread,
                  Stack& stack) {
  for (;;) {
    ++steps_;
    if (thread.at > index.most_raw) return;
    if (thread.at == text.size()) {
      if (!end) park(thread);
      return;
    }
    const auto byte = static_cast<unsigned char>(text[thread.at]);
    if (is_introducer(byte) && may_be_escape(text, thread.at)) {
      const Escapes escapes = read_escapes(text, thread.at, end);
      bool unfinished = false;
      for (const Escape& escape : {escapes.plain, escapes.nested}) {
        unfinished = unfinished || escape.state == Escape::State::kUnfinished;
        if (escape.state != Escape::State::kComplete) continue;
        std::uint32_t node = thread.node;
        for (std::size_t i = 0; i < escape.count && (i == 0 || node != 0); ++i) {
          node = index.child(coding_, node, escape.bytes[i]);
        }
        if (node == 0) continue;
        const Thread fork{.node = node,
                          .at = thread.at + escape.size,
                          .escapes = static_cast<std::uint8_t>(thread.escapes | escape.kinds),
                          .escape_only = false};
        note_end(index, fork);
        if (index.nodes[node].first_child != 0) stack.push(fork);
      }
      if (unfinished) {
        Thread waiting = thread;
        waiting.escape_only = true;
        park(waiting);
      }
    }
    if (thread.escape_only) return;
    const std::uint32_t node = index.child(coding_, thread.node, byte);
    if (node == 0) return;
    thread.node = node;
    ++thread.at;
    note_end(index, thread);
    if (index.nodes[node].first_child == 0) return;
  }
}

void Walk::park(Thread thread) {
  if (parked_count_ < parked_.size()) parked_[parked_count_++] = thread;
}

void Walk::note_end(const PatternIndex& index, const Thread& thread) {
  const std::uint32_t pattern = index.nodes[thread.node].pattern;
  if (pattern == kNoPattern || thread.at < size_) return;
  size_ = thread.at;
  pattern_ = pattern;
  escapes_ = thread.escapes;
}

}  // namespace deployclaw::scrub
