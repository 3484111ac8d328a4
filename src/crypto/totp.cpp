#include "crypto/totp.hpp"

#include <array>
#include <chrono>

#include "crypto/hmac.hpp"

namespace deployclaw::crypto {
namespace {

constexpr std::size_t kDigits = 6;
constexpr std::uint32_t kModulus = 1'000'000;

// RFC 3986 §2.3: everything but the unreserved characters is escaped.
std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    }
  }
  return out;
}

}  // namespace

Secret generate_totp_secret() { return Secret::random(kTotpSecretSize); }

std::string totp_secret_text(const Secret& secret) { return base32_encode(secret.expose()); }

std::int64_t totp_step(Time now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  return seconds / kTotpStepSeconds;
}

std::string totp_code(const Secret& secret, std::int64_t step) {
  std::array<unsigned char, 8> counter;
  auto rest = static_cast<std::uint64_t>(step);
  for (std::size_t i = counter.size(); i-- > 0; rest >>= 8U) {
    counter[i] = static_cast<unsigned char>(rest & 0xFFU);
  }
  auto mac = hmac_sha1(secret.expose(), counter);
  const std::size_t offset = mac[19] & 0xFU;
  const std::uint32_t truncated =
      (std::uint32_t{mac[offset]} & 0x7FU) << 24U | std::uint32_t{mac[offset + 1]} << 16U |
      std::uint32_t{mac[offset + 2]} << 8U | std::uint32_t{mac[offset + 3]};
  wipe_memory(mac.data(), mac.size());
  std::string code = std::to_string(truncated % kModulus);
  code.insert(0, kDigits - code.size(), '0');
  return code;
}

std::optional<std::int64_t> match_totp(const Secret& secret, std::string_view code, Time now,
                                       std::optional<std::int64_t> last_used_step) {
  if (!is_totp_code(code)) return std::nullopt;
  const std::int64_t present = totp_step(now);
  std::optional<std::int64_t> matched;
  for (const std::int64_t step : {present - 1, present, present + 1}) {
    std::string candidate = totp_code(secret, step);
    const bool equal = equal_constant_time(bytes_of(candidate), bytes_of(code));
    wipe_string(candidate);
    const bool unused = !last_used_step || step > *last_used_step;
    if (equal && unused && step >= 0) matched = step;
  }
  return matched;
}

bool is_totp_code(std::string_view code) {
  if (code.size() != kDigits) return false;
  for (const char c : code) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

std::string otpauth_url(std::string_view issuer, std::string_view account, const Secret& secret) {
  const std::string escaped_issuer = percent_encode(issuer);
  std::string text = totp_secret_text(secret);
  std::string url = "otpauth://totp/" + escaped_issuer + ":" + percent_encode(account) +
                    "?secret=" + text + "&issuer=" + escaped_issuer +
                    "&algorithm=SHA1&digits=6&period=30";
  wipe_string(text);
  return url;
}

}  // namespace deployclaw::crypto
