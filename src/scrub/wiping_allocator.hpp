#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/secret.hpp"

namespace deployclaw::scrub {

// Memory that tells something of a secret: wiped whenever it is given back.
template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>& /*other*/) {}
  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) {
    wipe_memory(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  bool operator==(const WipingAllocator& /*other*/) const { return true; }
};

template <class T>
using WipedVector = std::vector<T, WipingAllocator<T>>;

}  // namespace deployclaw::scrub
