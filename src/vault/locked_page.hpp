#pragma once

#include <cstddef>
#include <span>

namespace deployclaw::vault {

// One page of memory for keys: locked against swapping, left out of core dumps, empty in a forked
// child, wiped before it is given back. Aborts if the kernel has no page to give.
class LockedPage {
 public:
  static constexpr std::size_t kSize = 4096;

  LockedPage();
  ~LockedPage();
  LockedPage(const LockedPage&) = delete;
  LockedPage& operator=(const LockedPage&) = delete;

  [[nodiscard]] std::span<unsigned char, kSize> bytes() {
    return std::span<unsigned char, kSize>(data_, kSize);
  }
  [[nodiscard]] std::span<const unsigned char, kSize> bytes() const {
    return std::span<const unsigned char, kSize>(data_, kSize);
  }
  // False when RLIMIT_MEMLOCK did not allow locking.
  [[nodiscard]] bool locked() const { return locked_; }

 private:
  unsigned char* data_ = nullptr;
  bool locked_ = false;
};

}  // namespace deployclaw::vault
