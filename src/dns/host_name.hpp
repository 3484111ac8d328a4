#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deployclaw::dns {

// The one spelling of a host name that everything behind it compares: lower case, without a final
// dot. nullopt for what is no host name: an empty label or one over 63 bytes, over 253 bytes in
// all, any character but ASCII letters, digits, '-' and '_', a label that begins or ends with '-',
// and a last label that some reader could take for a number ("10.0.0.1", "1.0x7f", "2130706433":
// WHATWG URL §3.5), so no address in disguise is ever looked up. Internationalised names must
// come in their A-label form ("xn--…").
std::optional<std::string> canonical_host(std::string_view name);

// True for names that mean this machine or are defined never to be resolved by DNS (RFC 6761,
// 7686): localhost, localhost.localdomain, everything below localhost, invalid, onion and arpa.
// `host` is canonical.
bool is_never_resolved(std::string_view host);

}  // namespace deployclaw::dns
