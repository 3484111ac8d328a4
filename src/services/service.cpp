#include "services/service.hpp"

#include <algorithm>

#include "http/message.hpp"

namespace deployclaw::services {

std::string_view to_string(PlaceKind kind) {
  switch (kind) {
    case PlaceKind::kHeader:
      return "header";
    case PlaceKind::kBasicUser:
      return "basic user";
    case PlaceKind::kBasicPassword:
      return "basic password";
    case PlaceKind::kQuery:
      return "query";
    case PlaceKind::kPathSegment:
      return "path";
    case PlaceKind::kBody:
      return "body";
    case PlaceKind::kWebSocket:
      return "websocket";
  }
  return {};
}

namespace {
std::string https_authority(const std::string& host, std::uint16_t port) {
  return port == 443 ? host : host + ":" + std::to_string(port);
}
}  // namespace

std::string OAuth::authority() const { return https_authority(host, port); }
std::string TestCall::authority() const { return https_authority(host, port); }

std::uint8_t method_bit(std::string_view method) {
  const auto known = http::parse_method(method);
  if (known == http::Method::kOther) return 0;
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(known));
}

bool BodyCondition::holds(const boost::json::value& body) const {
  boost::system::error_code error;
  const auto* found = body.find_pointer(pointer, error);
  return found != nullptr &&
         std::ranges::any_of(equals, [&](const auto& value) { return value == *found; });
}

}  // namespace deployclaw::services
