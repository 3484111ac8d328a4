#include "api/runtimes/runtimes.hpp"

#include <boost/json/array.hpp>

#include "api/rendering/bind.hpp"
#include "http/problem.hpp"
#include "runtimes/catalogue.hpp"

namespace deployclaw::api::runtime_list {
namespace {

namespace json = boost::json;

json::object runtime_json(const runtimes::Runtime& runtime) {
  json::array keys;
  if (runtime.config) {
    for (const auto& key : runtime.config->allowed) keys.emplace_back(key);
  }
  json::array images;
  for (const auto& image : runtime.image.allowed) images.emplace_back(image);
  json::object out;
  out["name"] = runtime.name;
  out["title"] = runtime.title;
  out["version"] = runtime.version;
  out["testOnly"] = runtime.test_only;
  out["resources"] = {{"default", domain::to_json(runtime.default_resources)},
                      {"least", domain::to_json(runtime.least_resources)},
                      {"most", domain::to_json(domain::kMostResources)}};
  out["configKeys"] = std::move(keys);
  out["images"] = std::move(images);
  out["readyWithinSeconds"] = runtime.deadline.count();
  return out;
}

Task<Result<http::Response>> list(Services& services, Principal /*principal*/,
                                  http::Request /*request*/) {
  json::array items;
  for (const auto& runtime : services.runtimes.all()) {
    if (runtime.test_only && !services.config.allow_test_runtimes) continue;
    items.emplace_back(runtime_json(runtime));
  }
  json::object body;
  body["items"] = std::move(items);
  body["nextCursor"] = nullptr;
  co_return http::json_response(200, body);
}

}  // namespace

void add_routes(http::Router& router, Services& services) {
  add_route(router, services, http::Method::kGet, "/api/runtimes", "listRuntimes", Access{},
            bind_action(services, list), "agents:read");
}

}  // namespace deployclaw::api::runtime_list
