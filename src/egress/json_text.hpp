#pragma once

#include <boost/json/string_view.hpp>
#include <string_view>

namespace deployclaw::egress {

// The same text as Boost.JSON's own view of it, which it does not make by itself.
inline boost::json::string_view json_text(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace deployclaw::egress
