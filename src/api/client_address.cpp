#include "api/client_address.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <optional>

#include "api/guard.hpp"
#include "http/ascii.hpp"

namespace deployclaw::api {
namespace ip = boost::asio::ip;
namespace {

std::optional<ip::address> parse(std::string_view text) {
  if (const auto zone = text.find('%'); zone != std::string_view::npos) text = text.substr(0, zone);
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  }
  return address;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool trusted(const ApiConfig& config, std::string_view address) {
  for (const auto& rule : config.trusted_proxies) {
    if (address_matches(address, rule)) return true;
  }
  return false;
}

}  // namespace

std::string canonical_address(std::string_view text) {
  const auto address = parse(text);
  return address ? address->to_string() : "";
}

std::string attempt_network(std::string_view address) {
  const auto parsed = parse(address);
  if (!parsed) return "unknown";
  if (parsed->is_v4()) return parsed->to_string();
  return ip::make_network_v6(parsed->to_v6(), 64).canonical().to_string();
}

bool address_matches(std::string_view address, std::string_view rule) {
  const auto parsed = parse(address);
  if (!parsed) return false;
  if (rule.find('/') == std::string_view::npos) {
    const auto same = parse(rule);
    return same && *same == *parsed;
  }
  boost::system::error_code error;
  const std::string text(rule);
  if (parsed->is_v4()) {
    const auto network = ip::make_network_v4(text, error);
    if (error) return false;
    const auto mask = network.netmask().to_uint();
    return (parsed->to_v4().to_uint() & mask) == (network.address().to_uint() & mask);
  }
  const auto network = ip::make_network_v6(text, error);
  if (error) return false;
  return ip::make_network_v6(parsed->to_v6(), network.prefix_length()).canonical() ==
         network.canonical();
}

// The list is read from its end: each proxy appends the peer it saw, so an entry is as good as the
// proxy after it. What a client wrote itself stands before the first untrusted entry and is not
// looked at.
std::string client_address(const ApiConfig& config, const http::Request& request) {
  std::string current = canonical_address(request.remote_address);
  const bool peer_trusted = current.empty() ? trusted(config, "127.0.0.1")  // a unix socket
                                            : trusted(config, current);
  if (!peer_trusted) return current;
  std::string forwarded;
  for (const auto& [name, value] : request.headers.all()) {
    if (!http::equals_ignoring_case(name, "x-forwarded-for")) continue;
    if (!forwarded.empty()) forwarded += ',';
    forwarded += value;
  }
  std::string_view rest = forwarded;
  while (!rest.empty()) {
    const auto comma = rest.rfind(',');
    const auto entry = trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
    const std::string address = canonical_address(entry);
    if (address.empty()) break;
    current = address;
    if (!trusted(config, address)) break;
  }
  return current;
}

}  // namespace deployclaw::api
