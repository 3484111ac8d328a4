#pragma once

#include <cstddef>
#include <cstdint>

namespace deployclaw::net {

// What reading or writing without waiting came to. kWantRead and kWantWrite are what to wait() for
// before the same call is made again (TLS may have to write in order to read, and the other way
// round).
struct Progress {
  enum class Kind : std::uint8_t { kBytes, kEnd, kWantRead, kWantWrite, kFailed };
  Kind kind = Kind::kFailed;
  std::size_t count = 0;  // kBytes only, and then at least 1
};

// Whether to wait() and then call again.
constexpr bool must_wait(Progress::Kind kind) {
  return kind == Progress::Kind::kWantRead || kind == Progress::Kind::kWantWrite;
}

}  // namespace deployclaw::net
