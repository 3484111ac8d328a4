#include "dns/nameserver.hpp"

#include <charconv>
#include <optional>

namespace deployclaw::dns {
namespace {

constexpr std::size_t kMaxNameservers = 3;  // MAXNS of resolv.conf(5)

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::string_view next_word(std::string_view& line) {
  const auto start = line.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start);
  const auto word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

std::string Nameserver::to_string() const {
  const auto text = address.to_string();
  return (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

Result<Nameserver> parse_nameserver(std::string_view text) {
  if (const auto address = parse_address(text)) return Nameserver{*address, 53};
  const auto bad = fail(Code::kInvalid, "not a nameserver (address or address:port): '" +
                                            std::string(text.substr(0, 64)) + "'");
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!address || !port || address->is_v6() != bracketed) return bad;
  return Nameserver{*address, *port};
}

std::vector<Nameserver> read_resolv_conf(std::string_view text) {
  std::vector<Nameserver> found;
  while (!text.empty() && found.size() < kMaxNameservers) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (next_word(line) != "nameserver") continue;
    const auto address = parse_address(next_word(line));
    if (address) found.push_back({*address, 53});
  }
  return found;
}

}  // namespace deployclaw::dns
