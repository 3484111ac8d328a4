#include "dns/global_address.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace deployclaw::dns {
namespace {

using Ipv4 = boost::asio::ip::address_v4;
using Ipv6 = boost::asio::ip::address_v6;

struct Range4 {
  std::uint32_t base;
  unsigned length;
  std::string_view what;
};

// https://www.iana.org/assignments/iana-ipv4-special-registry, entries that are not globally
// reachable, and what that registry leaves out: multicast, reserved space, clouds' own.
constexpr auto kSpecial4 = std::to_array<Range4>({
    {0x00000000, 8, "unspecified"},         // 0.0.0.0/8, RFC 791
    {0x0A000000, 8, "private"},             // 10.0.0.0/8, RFC 1918
    {0x64400000, 10, "shared"},             // 100.64.0.0/10 (carrier-grade NAT), RFC 6598
    {0x7F000000, 8, "loopback"},            // 127.0.0.0/8, RFC 1122
    {0xA83F8110, 32, "metadata"},           // 168.63.129.16, Azure's host
    {0xA9FEA9FE, 32, "metadata"},           // 169.254.169.254, most clouds
    {0xA9FE0000, 16, "link-local"},         // 169.254.0.0/16, RFC 3927
    {0xAC100000, 12, "private"},            // 172.16.0.0/12, RFC 1918
    {0xC0000000, 24, "protocol-assigned"},  // 192.0.0.0/24, RFC 6890
    {0xC0000200, 24, "documentation"},      // 192.0.2.0/24, RFC 5737
    {0xC0586300, 24, "6to4 relay"},         // 192.88.99.0/24, RFC 7526
    {0xC0A80000, 16, "private"},            // 192.168.0.0/16, RFC 1918
    {0xC6120000, 15, "benchmarking"},       // 198.18.0.0/15, RFC 2544; our synthetic addresses
    {0xC6336400, 24, "documentation"},      // 198.51.100.0/24, RFC 5737
    {0xCB007100, 24, "documentation"},      // 203.0.113.0/24, RFC 5737
    {0xE0000000, 4, "multicast"},           // 224.0.0.0/4, RFC 5771
    {0xFFFFFFFF, 32, "broadcast"},          // 255.255.255.255, RFC 919
    {0xF0000000, 4, "reserved"},            // 240.0.0.0/4, RFC 1112
});

struct Range6 {
  std::array<std::uint8_t, 8> prefix;  // the upper half is enough: no range is longer than /64
  unsigned length;
  std::string_view what;
};

// https://www.iana.org/assignments/iana-ipv6-special-registry, likewise.
constexpr auto kSpecial6 = std::to_array<Range6>({
    {{0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01}, 48, "local translation"},  // 64:ff9b:1::/48, RFC 8215
    {{0x01, 0x00}, 64, "discard"},                                    // 100::/64, RFC 6666
    {{0x01, 0x00, 0, 0, 0, 0, 0, 1}, 64, "dummy"},                    // 100:0:0:1::/64, RFC 9780
    {{0x20, 0x01, 0x00, 0x00}, 32, "Teredo"},                         // 2001::/32, RFC 4380
    {{0x20, 0x01, 0x00}, 23, "protocol-assigned"},                    // 2001::/23, RFC 2928
    {{0x20, 0x01, 0x0D, 0xB8}, 32, "documentation"},                  // 2001:db8::/32, RFC 3849
    {{0x20, 0x02}, 16, "6to4"},                                       // 2002::/16, RFC 3056
    {{0x3F, 0xFF, 0x00}, 20, "documentation"},                        // 3fff::/20, RFC 9637
    {{0x5F, 0x00}, 16, "segment routing"},                            // 5f00::/16, RFC 9602
    {{0xFC}, 7, "private"},            // fc00::/7 (unique local), RFC 4193; with fd00:ec2::254
    {{0xFE, 0x80}, 10, "link-local"},  // fe80::/10, RFC 4291
    {{0xFE, 0xC0}, 10, "site-local"},  // fec0::/10, RFC 3879
    {{0xFF}, 8, "multicast"},          // ff00::/8, RFC 4291
});

std::optional<std::string_view> special_purpose4(Ipv4 address) {
  for (const auto& [base, length, what] : kSpecial4) {
    if ((address.to_uint() ^ base) >> (32 - length) == 0) return what;
  }
  return std::nullopt;
}

bool starts_with(const Ipv6::bytes_type& bytes, std::span<const std::uint8_t> prefix,
                 unsigned length) {
  for (unsigned i = 0; i < length; i += 8) {
    const unsigned bits = length - i >= 8 ? 8 : length - i;
    const auto difference = static_cast<unsigned>(bytes[i / 8] ^ prefix[i / 8]);
    if (difference >> (8 - bits) != 0) return false;
  }
  return true;
}

Ipv4 last_four(const Ipv6::bytes_type& bytes) {
  return Ipv4(Ipv4::bytes_type{bytes[12], bytes[13], bytes[14], bytes[15]});
}

std::optional<std::string_view> special_purpose6(const Ipv6& address) {
  static constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  static constexpr std::array<std::uint8_t, 12> kCompatible = {};
  static constexpr std::array<std::uint8_t, 12> kTranslated = {0, 0x64, 0xFF, 0x9B};
  if (address.scope_id() != 0) return "link-local";
  if (address.is_unspecified()) return "unspecified";
  if (address.is_loopback()) return "loopback";
  const auto bytes = address.to_bytes();
  for (const auto& prefix : {kMapped, kCompatible, kTranslated}) {
    if (starts_with(bytes, prefix, 96)) return special_purpose4(last_four(bytes));
  }
  for (const auto& [prefix, length, what] : kSpecial6) {
    if (starts_with(bytes, prefix, length)) return what;
  }
  // Global unicast, RFC 4291 §2.4; IANA has assigned nothing else.
  if (bytes[0] >> 5 != 1) return "reserved";
  return std::nullopt;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  // Asio would read a scope and look an interface up for it, and stop at a NUL.
  if (text.size() > 45 || text.find('%') != std::string_view::npos ||
      text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(text, error);
  if (error) return std::nullopt;
  return address;
}

std::optional<std::string_view> special_purpose(const Address& address) {
  return address.is_v4() ? special_purpose4(address.to_v4()) : special_purpose6(address.to_v6());
}

}  // namespace deployclaw::dns
