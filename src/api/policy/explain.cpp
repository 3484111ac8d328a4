#include "services/explain.hpp"

#include <boost/json/serialize.hpp>

#include "api/policy/parts.hpp"
#include "api/policy/policy.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/json_text.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"

namespace deployclaw::api::policy {
namespace {

Result<services::Question> read_question(const http::Request& request) {
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields in(*body);
  services::Question question;
  question.method = in.required_string("method", {.min = 1, .max = 32});
  question.url = in.required_string("url", {.min = 1, .max = 16 * 1024});
  if (const auto* json = in.optional_value("body")) question.body = *json;
  if (auto good = in.finish(); !good) return fail(std::move(good.error()));
  return question;
}

}  // namespace

Task<Result<http::Response>> explain(Services& services, Principal principal,
                                     http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto question = read_question(request);
  if (!question) co_return fail(question.error());
  const auto loaded = co_await load_policy(services, principal.client, *agent);
  if (!loaded) co_return fail(loaded.error());
  const auto compiled = compile(*loaded);
  if (!compiled) co_return context("compile policy", compiled.error());
  const auto explanation = services::explain(*compiled, loaded->parts.permissions, *question);
  if (!explanation) co_return fail(explanation.error());
  JsonText out;
  out.raw(boost::json::serialize(services::to_json(*explanation)));
  co_return json_text_response(200, std::move(out));
}

}  // namespace deployclaw::api::policy
