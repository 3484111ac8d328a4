#include "vault/locked_page.hpp"

#include <sys/mman.h>

#include <cstdlib>

#include "base/secret.hpp"

namespace deployclaw::vault {

LockedPage::LockedPage() {
  void* page = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) std::abort();
  data_ = static_cast<unsigned char*>(page);
  locked_ = mlock(page, kSize) == 0;
  if (madvise(page, kSize, MADV_DONTDUMP) != 0 || madvise(page, kSize, MADV_WIPEONFORK) != 0) {
    std::abort();
  }
}

LockedPage::~LockedPage() {
  wipe_memory(data_, kSize);
  munmap(data_, kSize);
}

}  // namespace deployclaw::vault
