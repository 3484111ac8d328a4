#pragma once

#include <boost/asio/ip/address_v4.hpp>
#include <cstdint>
#include <set>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::linux {

using Ipv4 = boost::asio::ip::address_v4;

// Strict dotted decimal ("10.231.0.7"); kInvalid for anything else.
Result<Ipv4> parse_ipv4(std::string_view text);

// The range that agents' addresses come from. Pure: who has which address is the caller's
// knowledge (the database), so a restart loses nothing. The first usable address is the gateway.
class AddressPool {
 public:
  // `cidr` like "10.231.0.0/16": prefix length 8 to 30, host bits zero, inside private (RFC 1918)
  // or shared (RFC 6598) space. kInvalid otherwise.
  static Result<AddressPool> parse(std::string_view cidr);

  // The address of the host's side, shared by all agents: the first one of the range.
  [[nodiscard]] Ipv4 gateway() const;
  // How many agents fit.
  [[nodiscard]] std::uint32_t capacity() const;
  // True if `address` is one that allocate() may give.
  [[nodiscard]] bool contains(Ipv4 address) const;

  // A free address: the first one after `last` (wrapping) that is not in `used`. Going on after the
  // last one given, instead of taking the lowest, keeps a dead agent's address out of use for as
  // long as possible, so that remembered connections do not reach a new agent. kUnavailable when
  // the range is full.
  [[nodiscard]] Result<Ipv4> allocate(const std::set<Ipv4>& used, Ipv4 last = {}) const;

  // 2 for the first agent's address, and so on: a stable small number to name interfaces by.
  // Only for an address for which contains() holds.
  [[nodiscard]] std::uint32_t offset(Ipv4 address) const;

 private:
  AddressPool(std::uint32_t base, std::uint32_t size) : base_(base), size_(size) {}
  std::uint32_t base_;
  std::uint32_t size_;
};

}  // namespace deployclaw::linux
