#include "crypto/recovery_code.hpp"

#include <array>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

namespace deployclaw::crypto {
namespace {

constexpr std::size_t kCodeBytes = 10;  // 80 bits are exactly 16 base32 characters
constexpr std::size_t kGroup = 4;

}  // namespace

std::vector<std::string> generate_recovery_codes() {
  std::vector<std::string> codes;
  codes.reserve(kRecoveryCodes);
  for (std::size_t i = 0; i < kRecoveryCodes; ++i) {
    std::array<unsigned char, kCodeBytes> raw;
    random_bytes(raw);
    std::string code = base32_encode(raw);
    for (std::size_t at = code.size() - kGroup; at > 0; at -= kGroup) code.insert(at, 1, '-');
    codes.push_back(std::move(code));
    wipe_memory(raw.data(), raw.size());
  }
  return codes;
}

std::optional<Sha256Digest> hash_recovery_code(std::string_view code) {
  std::string letters;
  for (const char c : code) {
    if (c == '-' || c == ' ') continue;
    if (c == '=') return std::nullopt;  // the base32 decoder would take padding
    letters += c;
  }
  auto raw = base32_decode(letters);
  wipe_string(letters);
  if (!raw || raw->size() != kCodeBytes) return std::nullopt;
  const Sha256Digest digest = sha256(*raw);
  wipe_memory(raw->data(), raw->size());
  return digest;
}

std::optional<std::size_t> match_recovery_code(std::string_view code,
                                               std::span<const Sha256Digest> stored) {
  const auto wanted = hash_recovery_code(code);
  if (!wanted) return std::nullopt;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (equal_constant_time(stored[i], *wanted)) found = i;
  }
  return found;
}

}  // namespace deployclaw::crypto
