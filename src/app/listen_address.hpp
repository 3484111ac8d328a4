#pragma once

#include <charconv>
#include <cstdint>
#include <string>

namespace deployclaw::app {

// "address:port" of a listen setting, as complete() has checked it.
struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;

  static ListenAddress parse(const std::string& text) {
    const auto colon = text.rfind(':');
    ListenAddress listen{.address = text.substr(0, colon)};
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), listen.port);
    return listen;
  }
};

}  // namespace deployclaw::app
