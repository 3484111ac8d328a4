#include "linux/address_pool.hpp"

#include <boost/asio/ip/network_v4.hpp>
#include <charconv>
#include <string>

namespace deployclaw::linux {

namespace {

constexpr std::uint32_t kGatewayOffset = 1;
constexpr std::uint32_t kFirstAgentOffset = 2;

bool is_within(std::uint32_t base, unsigned length, std::uint32_t outer, unsigned outer_length) {
  return length >= outer_length && (base >> (32 - outer_length)) == (outer >> (32 - outer_length));
}

// An agent's address must never be one that the machine could need to reach in the internet.
bool is_private(std::uint32_t base, unsigned length) {
  return is_within(base, length, 0x0A000000, 8) ||   // 10.0.0.0/8, RFC 1918
         is_within(base, length, 0xAC100000, 12) ||  // 172.16.0.0/12
         is_within(base, length, 0xC0A80000, 16) ||  // 192.168.0.0/16
         is_within(base, length, 0x64400000, 10);    // 100.64.0.0/10, RFC 6598
}

}  // namespace

Result<Ipv4> parse_ipv4(std::string_view text) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address_v4(text, error);
  // The library follows inet_pton, but compare anyway: one spelling per address.
  if (error || address.to_string() != text) {
    return fail(Code::kInvalid, "not an IPv4 address: " + std::string(text));
  }
  return address;
}

Result<AddressPool> AddressPool::parse(std::string_view cidr) {
  const auto bad = [&](std::string_view why) {
    return fail(Code::kInvalid, "address pool " + std::string(cidr) + ": " + std::string(why));
  };
  const auto slash = cidr.find('/');
  if (slash == std::string_view::npos) return bad("needs a prefix length");
  const auto address = parse_ipv4(cidr.substr(0, slash));
  if (!address) return bad("not an IPv4 address");
  const auto digits = cidr.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 2) {
    return bad("bad prefix length");
  }
  if (length < 8 || length > 30) return bad("prefix length must be 8 to 30");
  const auto base = address->to_uint();
  const auto size = std::uint32_t{1} << (32 - length);
  if ((base & (size - 1)) != 0) return bad("host bits must be zero");
  if (!is_private(base, length)) return bad("must be private or shared address space");
  return AddressPool(base, size);
}

Ipv4 AddressPool::gateway() const { return Ipv4(base_ + kGatewayOffset); }

// Without the network, gateway and broadcast addresses.
std::uint32_t AddressPool::capacity() const { return size_ - 3; }

bool AddressPool::contains(Ipv4 address) const {
  const auto value = address.to_uint();
  return value >= base_ + kFirstAgentOffset && value - base_ < size_ - 1;
}

Result<Ipv4> AddressPool::allocate(const std::set<Ipv4>& used, Ipv4 last) const {
  const auto count = capacity();
  const auto start = contains(last) ? offset(last) - kFirstAgentOffset + 1 : 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Ipv4 candidate(base_ + kFirstAgentOffset + (start + i) % count);
    if (!used.contains(candidate)) return candidate;
  }
  return fail(Code::kUnavailable,
              "no free agent address: all " + std::to_string(count) + " are in use");
}

std::uint32_t AddressPool::offset(Ipv4 address) const { return address.to_uint() - base_; }

}  // namespace deployclaw::linux
