#include "api/testing/contract.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "api/openapi/document.hpp"
#include "api/openapi/schema.hpp"

namespace deployclaw::api::testing {
namespace json = boost::json;
namespace {

const json::value& document() {
  static const json::value kDocument = json::parse(openapi::document());
  return kDocument;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// The response object for a status, through $ref; nullptr when the document has none. `default`
// stands for troubles that are everybody's (404 of the router, 429, 5xx), never for a success.
const json::object* response_of(const json::object& operation, int status) {
  const auto& responses = operation.at("responses").as_object();
  const auto* found = responses.if_contains(std::to_string(status));
  if (found == nullptr && (status >= 500 || status == 405 || status == 429)) {
    found = responses.if_contains("default");
  }
  if (found == nullptr) return nullptr;
  if (const auto* ref = found->as_object().if_contains("$ref")) {
    const std::string_view target = ref->as_string();
    found = &document().at_pointer(target.substr(1));
  }
  return &found->as_object();
}

}  // namespace

std::string openapi_path(std::string_view pattern) {
  std::string path;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != ':') {
      path += pattern[at];
      continue;
    }
    const auto end = std::min(pattern.find('/', at), pattern.size());
    path += "{" + std::string(pattern.substr(at + 1, end - at - 1)) + "}";
    at = end - 1;
  }
  return path;
}

void expect_in_contract(const http::Router& router, http::Method method, const std::string& target,
                        const Answer& answer) {
  if (answer.status == 0) return;  // no answer at all: the caller has said so
  const auto path = target.substr(0, target.find('?'));
  const auto match = router.find(method, path);
  if (match.route == nullptr) return;  // nothing of ours: a 404 or 405 of the router
  const std::string where =
      std::string(http::to_string(method)) + " " + target + " → " + std::to_string(answer.status);
  const auto& paths = document().as_object().at("paths").as_object();
  const auto* item = paths.if_contains(openapi_path(match.route->pattern));
  const auto* operation =
      item ? item->as_object().if_contains(lower(http::to_string(match.route->method))) : nullptr;
  if (operation == nullptr) {
    ADD_FAILURE() << where << ": the route is not in the OpenAPI document";
    return;
  }
  const auto* response = response_of(operation->as_object(), answer.status);
  if (response == nullptr) {
    ADD_FAILURE() << where << ": the OpenAPI document does not name this status: " << answer.text;
    return;
  }
  const auto* content = response->if_contains("content");
  if (content == nullptr) {
    EXPECT_EQ(answer.text, "") << where;
    return;
  }
  const std::string type(answer.headers.get("content-type").value_or(""));
  const auto* media = content->as_object().if_contains(type.substr(0, type.find(';')));
  if (media == nullptr) {
    ADD_FAILURE() << where << ": the OpenAPI document does not name the content type " << type;
    return;
  }
  if (!type.contains("json") || type.contains("jsonl")) return;
  boost::system::error_code error;
  const auto body = json::parse(answer.text, error);
  if (error) {
    ADD_FAILURE() << where << ": the body is no JSON: " << answer.text;
    return;
  }
  for (const auto& mistake :
       openapi::schema_mistakes(document(), media->as_object().at("schema"), body)) {
    ADD_FAILURE() << where << ": " << mistake;
  }
}

}  // namespace deployclaw::api::testing
