#pragma once

#include <string>
#include <string_view>

namespace deployclaw::api {

// The canonical text of an IP address: IPv4-mapped IPv6 reads as IPv4, zone ids are dropped; "" for
// anything else.
std::string canonical_address(std::string_view text);

// What attempts are counted by: an IPv4 address itself, an IPv6 address's /64 ("2001:db8::/64"),
// because whoever has one address of it has them all. "unknown" for anything else.
std::string attempt_network(std::string_view address);

// True when `address` equals `rule` or lies in it ("10.0.0.0/8", "2001:db8::/32"). A rule that does
// not parse matches nothing.
bool address_matches(std::string_view address, std::string_view rule);

}  // namespace deployclaw::api
