#include "api/waitlist/waitlist.hpp"

#include <boost/json/object.hpp>

#include "api/auth/email.hpp"
#include "api/auth/throttle.hpp"
#include "api/guard.hpp"
#include "base/encoding.hpp"
#include "http/ascii.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "http/url.hpp"
#include "store/waitlist.hpp"

namespace deployclaw::api::waitlist {
namespace json = boost::json;
namespace {

constexpr const char* kForm = "application/x-www-form-urlencoded";

struct Asked {
  store::WaitlistEntry entry;
  bool is_robot = false;  // it filled in what people do not see
};

bool is_form(const http::Request& request) {
  const auto type = request.headers.get("content-type").value_or("");
  return http::equals_ignoring_case(http::trim_ows(type.substr(0, type.find(';'))), kForm);
}

// A form's fields as the object that the JSON form would be; empty ones are absent ones. Browsers
// send line breaks as CR LF.
Result<json::object> form_fields(const http::Request& request) {
  json::object out;
  std::string_view rest = request.body;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = http::percent_decode(pair.substr(0, equals), true);
    auto value = http::percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) {
      return fail(Code::kMalformed, "malformed_form", "The form is not encoded as a form is.");
    }
    std::erase(*value, '\r');
    if (value->empty()) continue;
    if (out.contains(*name)) {
      return fail(Code::kMalformed, "malformed_form", "The form has a field twice.");
    }
    out.emplace(*name, *value);
  }
  return out;
}

Result<Asked> read(const json::object& body) {
  http::Fields fields(body);
  Asked asked;
  const auto email = fields.required_string("email", {.min = 1, .max = 254});
  asked.entry.name = fields.optional_string("name", {.max = 100});
  asked.entry.company = fields.optional_string("company", {.max = 100});
  asked.entry.message = fields.optional_string("message", {.max = 2000, .allow_control = true});
  asked.is_robot =
      !fields.optional_string("website", {.max = 1000, .allow_control = true}).value_or("").empty();
  auto normal = normalise_email(email);
  if (!email.empty() && !normal) fields.error("email", "is no e-mail address");
  if (auto good = fields.finish(); !good) return fail(std::move(good.error()));
  asked.entry.email = std::move(*normal);
  // PostgreSQL's text knows no NUL.
  if (asked.entry.message) std::erase(*asked.entry.message, '\0');
  return asked;
}

Task<Status> take(Services& services, Asked asked, std::string ip) {
  std::vector<std::string> keys{network_key(ip)};
  auto counted = co_await take_attempts(services, "waitlist", std::move(keys));
  if (!counted) co_return fail(std::move(counted.error()));
  if (asked.is_robot) co_return Status{};
  co_return co_await store::join_waitlist(services.db, std::move(asked.entry));
}

http::Response see_other(std::string path) {
  http::Response response;
  response.status = 303;
  response.headers.add("Location", std::move(path));
  return response;
}

// For a browser without scripts: what is wrong, and the way back.
http::Response form_refusal(const Error& error, const http::Response& problem) {
  http::Response response;
  response.status = problem.status;
  if (const auto after = problem.headers.get("retry-after")) {
    response.headers.add("Retry-After", std::string(*after));
  }
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  std::string_view what = "Something went wrong on our side. Please try again in a moment.";
  if (problem.status == 429) what = "Too many tries from your network. Please try again later.";
  if (error.code == Code::kInvalid || error.code == Code::kMalformed) {
    what = "Please check the form: the e-mail address must be complete, and no text too long.";
  }
  response.body =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">"
      "<title>Not sent</title><h1>Not sent</h1><p>" +
      std::string(what) + "</p><p><a href=\"/#waitlist\">Back to the form</a></p></html>\n";
  return response;
}

Task<Result<http::Response>> join(Services& services, http::Request request) {
  const bool form = is_form(request);
  auto body = form ? form_fields(request) : http::json_object_body(request);
  auto asked = body ? read(*body) : Result<Asked>(fail(std::move(body.error())));
  Status taken;
  if (asked) {
    auto ip = client_address(services.config, request);
    taken = co_await take(services, std::move(*asked), std::move(ip));
  } else {
    taken = fail(std::move(asked.error()));
  }
  if (!taken) {
    if (form) co_return form_refusal(taken.error(), to_problem(taken.error(), request.id));
    co_return fail(std::move(taken.error()));
  }
  if (form) co_return see_other("/waitlist-thanks");
  co_return http::json_response(202, {{"status", "received"}});
}

}  // namespace

void add_routes(http::Router& router, Services& services) {
  const OpenAction action = [&services](http::Request request) {
    return join(services, std::move(request));
  };
  router.add(http::Method::kPost, "/api/waitlist", {.operation_id = "joinWaitlist"},
             require_same_site(services, action, Bodies::kJsonOrForm));
}

}  // namespace deployclaw::api::waitlist
