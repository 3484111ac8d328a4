#pragma once

#include <string>
#include <string_view>

namespace deployclaw::app {

// The status of GET `path` at "address:port", or 0 when nothing answers within two seconds.
// Blocking; for the supervisor, which has no event loop.
int http_status(const std::string& listen, std::string_view path);

}  // namespace deployclaw::app
