#pragma once

#include <boost/json/memory_resource.hpp>
#include <boost/json/storage_ptr.hpp>
#include <cstddef>
#include <new>

#include "base/secret.hpp"

namespace deployclaw::vault {

// Memory for JSON that may hold a secret: wiped when it is given back.
class WipingResource final : public boost::json::memory_resource {
 private:
  // Boost.JSON asks for at most the alignment that operator new gives anyhow, and does not always
  // name the same alignment again when it gives memory back (its object keys): leave it out.
  void* do_allocate(std::size_t bytes, std::size_t /*alignment*/) override {
    return ::operator new(bytes);
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t /*alignment*/) override {
    wipe_memory(memory, bytes);
    ::operator delete(memory);
  }
  bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

}  // namespace deployclaw::vault
