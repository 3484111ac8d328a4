#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace deployclaw::vault {

// The master key versions, in one page of memory that is locked (not swapped), left out of core
// dumps and wiped in a forked child. Versions count from 1 upwards; gaps are allowed (a retired
// key), so is a start above 1. Not thread-safe.
class Keyring {
 public:
  static constexpr std::size_t kKeySize = 32;
  static constexpr std::size_t kMaxVersions = 64;
  using Key = std::span<const unsigned char, kKeySize>;

  // What may be shown of a version. `check` is 16 hex digits of HMAC-SHA-256(key,
  // "deployclaw/key-check/v1"): tells two keys apart without telling either.
  struct Version {
    std::uint32_t version = 0;
    std::string created;  // RFC 3339, or empty
    std::string check;
  };

  Keyring();
  ~Keyring();
  Keyring(Keyring&&) noexcept;
  Keyring& operator=(Keyring&&) noexcept;

  // Reads the text of a key file (docs/security/vault-format.md §1): lines `v<N> <base64 of 32
  // bytes> [created=<time>] [check=<16 hex>]`, ascending, `#` comments; `;` separates lines too.
  // kMalformed names the line, never its content; kCorrupt when a check does not match its key.
  static Result<Keyring> parse(const Secret& text);

  // Adds a random key with the next version; answers that version. kTooLarge beyond kMaxVersions.
  Result<std::uint32_t> add(Time now);

  // The text parse() reads, with check fields.
  [[nodiscard]] Secret to_text() const;

  // The key of `version`; kUnavailable with the versions that are held when it is missing.
  [[nodiscard]] Result<Key> key(std::uint32_t version) const;
  [[nodiscard]] bool empty() const;
  // Whether the kernel locked the page; false when RLIMIT_MEMLOCK forbids it.
  [[nodiscard]] bool locked() const;
  [[nodiscard]] std::uint32_t newest() const;  // 0 when empty
  [[nodiscard]] std::uint32_t oldest() const;  // 0 when empty
  [[nodiscard]] std::vector<Version> versions() const;

 private:
  struct Storage;
  std::unique_ptr<Storage> storage_;
};

}  // namespace deployclaw::vault
