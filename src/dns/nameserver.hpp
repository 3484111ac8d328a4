#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "dns/global_address.hpp"

namespace deployclaw::dns {

struct Nameserver {
  Address address;
  std::uint16_t port = 53;
  // "192.0.2.1:53", "[2001:db8::1]:53".
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Nameserver&) const = default;
};

// Reads "192.0.2.1", "192.0.2.1:5353", "2001:db8::1" or "[2001:db8::1]:5353"; kInvalid otherwise,
// also for a scope ("fe80::1%eth0") and port 0.
Result<Nameserver> parse_nameserver(std::string_view text);

// The nameservers of a resolv.conf (resolv.conf(5)), at most the first three; lines that cannot be
// read are left out. Empty when it names none.
std::vector<Nameserver> read_resolv_conf(std::string_view text);

}  // namespace deployclaw::dns
