#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::http {

// The host of a URL, a Host field or a CONNECT target, in the one spelling that is compared.
struct Authority {
  std::string host;  // lower-case ASCII, no trailing dot; an IPv6 address without its brackets
  std::optional<std::uint16_t> port;  // as given
  bool is_address = false;            // host is an IP address

  [[nodiscard]] std::uint16_t port_or(std::uint16_t fallback) const {
    return port.value_or(fallback);
  }
  bool operator==(const Authority&) const = default;
};

// Whether an IP address may stand for a host.
enum class Addresses : std::uint8_t { kRefuse, kAccept };

// Reads "host", "host:port", and with kAccept "192.0.2.1" and "[2001:db8::1]" (RFC 3986 §3.2.2-3).
// A host is letters, digits and hyphens in labels of 1 to 63, 253 characters at most; one trailing
// dot is taken off; a name of another script must come as its "xn--" form. kMalformed, with public
// detail, for anything else: userinfo, an empty or zero port, a port with a sign or leading zeros,
// a name that a resolver might read as an address ("0x7f.1", "2130706433", "127.1"), a zone id.
Result<Authority> parse_authority(std::string_view text, Addresses addresses = Addresses::kRefuse);

}  // namespace deployclaw::http
