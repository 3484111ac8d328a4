#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/sha256.hpp"

namespace deployclaw::crypto {

inline constexpr std::size_t kRecoveryCodes = 10;

// Ten fresh codes of 80 random bits, base32 in four groups: "ABCD-EFGH-IJKL-MNOP". Shown once.
std::vector<std::string> generate_recovery_codes();

// What is stored of a code: SHA-256 of its 10 raw bytes. At 80 random bits a slow hash adds
// nothing. Case, spaces and dashes are ignored; nullopt when `code` is not of the form.
std::optional<Sha256Digest> hash_recovery_code(std::string_view code);

// Which of `stored` is the hash of `code`; nullopt when none is. Looks at all of them, each in
// constant time. The caller deletes the row and accepts only if that delete hit one.
std::optional<std::size_t> match_recovery_code(std::string_view code,
                                               std::span<const Sha256Digest> stored);

}  // namespace deployclaw::crypto
