#include "api/openapi/document.hpp"

namespace deployclaw::api::openapi {
namespace {

Task<http::Response> show() {
  http::Response response;
  response.headers.add("Content-Type", "application/json");
  response.body = document();
  co_return response;
}

}  // namespace

void add_routes(http::Router& router) {
  router.add(http::Method::kGet, "/api/openapi.json", {.operation_id = "getOpenApi"},
             [](http::Request) { return show(); });
}

}  // namespace deployclaw::api::openapi
