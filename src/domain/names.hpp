#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace deployclaw::domain {

// The rules below answer the canonical form, or in the error a sentence fit for the customer.
using Checked = std::expected<std::string, std::string>;

// An agent's name: 1 to 63 Unicode characters after trimming spaces, no control, format or line
// separator characters (they would forge lines in logs and reorder text on a page). Any other
// character is allowed: a name is only ever shown, never part of a path, label or command.
Checked agent_name(std::string_view text);

// A credential's name: 1 to 64 of A-Z a-z 0-9 _ . -, beginning with a letter or digit. It is part
// of URLs and of what the vault authenticates.
Checked credential_name(std::string_view text);

// A host that an agent may reach: a DNS name in lower-case ASCII (IDNA 2008 for others), or one
// leading "*." before such a name, which means every name below it. Refused: other wildcards, IP
// addresses in any spelling (RFC 3986 and the inet_aton forms "0x7f.1", "2130706433"), public
// suffixes ("com", "*.co.uk", "github.io": publicsuffix.org), names of the local network
// (".local", ".internal", …), ports, schemes, paths and trailing dots.
Checked host_pattern(std::string_view text);

// True when `pattern` (canonical) admits `host` (canonical): equal, or below a "*." pattern.
bool host_matches(std::string_view pattern, std::string_view host);

// An entry of an agent's allowed domains.
struct AllowedDomain {
  std::string pattern;                // a host_pattern
  std::optional<std::uint16_t> port;  // exactly this port; without: 80 and 443
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool admits(std::string_view host, std::uint16_t on_port) const;
};

// Reads a host_pattern with an optional ":port" behind it: 1 to 65535 without leading zeros, but
// not 25 (mail between servers: an agent that can reach it is a spammer).
std::expected<AllowedDomain, std::string> allowed_domain(std::string_view text);

}  // namespace deployclaw::domain
