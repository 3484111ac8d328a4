#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace deployclaw {

// Fills `out` from the kernel's generator (getrandom(2)). Aborts the process if it fails: nothing
// that needs randomness may go on without it. Thread-safe.
void random_bytes(std::span<unsigned char> out);

// `bytes` random bytes as unpadded base64url: 32 bytes give a 43-character token.
std::string random_token(std::size_t bytes);

}  // namespace deployclaw
