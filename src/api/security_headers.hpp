#pragma once

#include "api/config.hpp"
#include "http/message.hpp"

namespace deployclaw::api {

// Puts on an answer what a browser needs to be told: never sniff, frame or leak it; answers of the
// API are never stored and may load nothing. A field that a handler has set itself stays.
void add_security_headers(const ApiConfig& config, bool is_api, http::Response& response);

}  // namespace deployclaw::api
