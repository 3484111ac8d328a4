#pragma once

#include "base/json_text.hpp"
#include "http/message.hpp"

namespace deployclaw::api {

// application/json with that text as its body.
http::Response json_text_response(int status, JsonText&& text);

}  // namespace deployclaw::api
