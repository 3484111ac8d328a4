#include "api/rendering/json_text.hpp"

#include <utility>

namespace deployclaw::api {

http::Response json_text_response(int status, JsonText&& text) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(text).take();
  return response;
}

}  // namespace deployclaw::api
