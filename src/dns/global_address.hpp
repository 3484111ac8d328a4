#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string_view>

namespace deployclaw::dns {

using Address = boost::asio::ip::address;

// An address in the one text form that every reader takes alike: four decimal parts without leading
// zeros, or IPv6 (RFC 4291 §2.2) without brackets and scope. nullopt for anything else.
std::optional<Address> parse_address(std::string_view text);

// Why an address is none of the public internet's: "private", "loopback", "link-local", …;
// nullopt for a global one. After the IANA special-purpose registries (RFC 6890) and the reserved
// space (only 2000::/3 is global unicast IPv6). Stricter than the registries in three places:
// all of 192.0.0.0/24 and 2001::/23, whose few global exceptions no service uses, and clouds'
// metadata addresses in public space (168.63.129.16). IPv4 inside IPv6 (mapped, compatible, NAT64)
// is judged as the IPv4 address it leads to; 6to4 and Teredo lead anywhere and are refused. Pure.
std::optional<std::string_view> special_purpose(const Address& address);

inline bool is_global(const Address& address) { return !special_purpose(address); }

}  // namespace deployclaw::dns
