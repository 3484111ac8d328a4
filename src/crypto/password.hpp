#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace deployclaw::crypto {

// Hashes passwords with bcrypt ("$2b$", 16 random bytes of salt). Every call takes about a quarter
// of a second at the default cost: run it on a BlockingPool, never on the I/O thread. Immutable
// after construction and safe from many threads.
//
// bcrypt reads 72 bytes at most and stops at a NUL. A password that fits is hashed as it is, so
// that any bcrypt library can verify the row. One that does not (longer than 72 bytes, holding a
// NUL, or starting with 0xFF) is replaced by 0xFF ‖ base64(HMAC-SHA-256("deployclaw/password/v1",
// password)): every byte then counts, and as 0xFF cannot begin a UTF-8 text the two kinds never
// meet.
class PasswordHasher {
 public:
  static constexpr int kDefaultCost = 12;

  // `cost` is the base-2 logarithm of the rounds, 4 to 20; tests use 4. Computes dummy_hash(), so
  // construction costs one hash. Aborts if libcrypt cannot do bcrypt.
  explicit PasswordHasher(int cost = kDefaultCost);

  // "$2b$12$…", 60 characters. kInternal when libcrypt fails.
  [[nodiscard]] Result<std::string> hash(const Secret& password) const;

  // Whether `password` made `stored`. False, without an error, for a text that is not a bcrypt
  // hash. The comparison is constant-time.
  [[nodiscard]] bool verify(const Secret& password, std::string_view stored) const;

  // A hash at this cost of a random password nobody knows: verify against it when the account does
  // not exist, so that the answer takes the same time.
  [[nodiscard]] const std::string& dummy_hash() const { return dummy_hash_; }

  // True when `stored` was made at another cost (or is no bcrypt hash): hash again after a
  // successful verify.
  [[nodiscard]] bool needs_rehash(std::string_view stored) const;

 private:
  int cost_;
  std::string dummy_hash_;
};

}  // namespace deployclaw::crypto
