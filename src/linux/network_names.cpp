#include "linux/network_names.hpp"

#include <charconv>

namespace deployclaw::linux {

namespace {
constexpr std::size_t kLongestSuffix = 6;
constexpr std::uint32_t kLargestNumber = 99999;
}  // namespace

Result<NetworkNames> NetworkNames::for_instance(std::string_view suffix) {
  if (suffix.empty()) return NetworkNames{"deployclaw", "dca", "dcgw0"};
  const auto allowed = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (suffix.size() > kLongestSuffix ||
      suffix.find_first_not_of(allowed) != std::string_view::npos) {
    return fail(Code::kInvalid, "network suffix must be 1 to 6 lower-case letters or digits");
  }
  const std::string text(suffix);
  return NetworkNames{"deployclaw_" + text, "dci" + text + "-", "dcgw-" + text};
}

std::string NetworkNames::interface(std::uint32_t number) const {
  return interface_prefix + std::to_string(number);
}

std::optional<std::uint32_t> NetworkNames::number_of(std::string_view name) const {
  if (!name.starts_with(interface_prefix)) return std::nullopt;
  const auto digits = name.substr(interface_prefix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (number == 0 || number > kLargestNumber || digits.front() == '0') return std::nullopt;
  return number;
}

}  // namespace deployclaw::linux
