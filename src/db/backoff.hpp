#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/random.hpp"

namespace deployclaw::db {

// Delays between attempts to connect: 50 ms doubled up to 5 s, ±20 % so that the connections of
// many processes do not come back in step.
class Backoff {
 public:
  std::chrono::milliseconds next() {
    std::uint32_t random = 0;
    random_bytes({reinterpret_cast<unsigned char*>(&random), sizeof random});
    const auto percent = 80 + static_cast<std::int64_t>(random % 41);
    const auto delay = current_ * percent / 100;
    current_ = std::min(current_ * 2, std::chrono::milliseconds(5'000));
    return delay;
  }
  void reset() { current_ = std::chrono::milliseconds(50); }

 private:
  std::chrono::milliseconds current_{50};
};

}  // namespace deployclaw::db
