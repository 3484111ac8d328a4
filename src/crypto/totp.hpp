#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace deployclaw::crypto {

// Time-based one-time passwords (RFC 6238) as authenticator apps do them: HMAC-SHA-1, 6 digits,
// steps of 30 seconds from the Unix epoch.
inline constexpr std::int64_t kTotpStepSeconds = 30;
inline constexpr std::size_t kTotpSecretSize = 20;  // RFC 4226 §4 R6 recommends 160 bits

// A fresh 160-bit secret.
Secret generate_totp_secret();

// The secret as the base32 text a person types into an app (32 characters). It is secret: wipe it.
std::string totp_secret_text(const Secret& secret);

// The time step that `now` lies in.
std::int64_t totp_step(Time now);

// The 6-digit code of one step (RFC 4226 §5.3). Used by tests and by the demo client.
std::string totp_code(const Secret& secret, std::int64_t step);

// The step whose code is `code`, among the step of `now` and its two neighbours (RFC 6238 §5.2);
// nullopt otherwise. Steps at or before `last_used_step` never match. A code must work once only:
// the caller stores the returned step with one atomic update that demands it to be greater than the
// stored one, and refuses when no row changed. `code` is exactly six ASCII digits; nothing else is
// trimmed or repaired. All candidates are computed and compared in constant time.
std::optional<std::int64_t> match_totp(const Secret& secret, std::string_view code, Time now,
                                       std::optional<std::int64_t> last_used_step = std::nullopt);

// True if `code` has the form of a TOTP code (else it may be a recovery code).
bool is_totp_code(std::string_view code);

// The key URI for the QR code: otpauth://totp/Issuer:account?secret=…&issuer=…&algorithm=SHA1&
// digits=6&period=30, percent-encoded. It holds the secret: wipe it.
std::string otpauth_url(std::string_view issuer, std::string_view account, const Secret& secret);

}  // namespace deployclaw::crypto
