#include "api/agents/deployments.hpp"

#include <boost/json/serialize.hpp>

#include "api/agents/agents.hpp"
#include "api/agents/view.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/page.hpp"
#include "domain/sensitive_config.hpp"
#include "store/deployments_api.hpp"
#include "store/observations.hpp"

namespace deployclaw::api::agents {
namespace {

namespace json = boost::json;
using Column = store::DeploymentColumn;

constexpr DeploymentPlaces kPlaces{.id = Column::kId,
                                   .kind = Column::kKind,
                                   .state = Column::kState,
                                   .generation = Column::kGeneration,
                                   .steps = Column::kSteps,
                                   .exit_code = Column::kExitCode,
                                   .last_output = Column::kLastOutput,
                                   .reason = Column::kReason,
                                   .created_at = Column::kCreatedAt,
                                   .ended_at = Column::kEndedAt};

std::optional<Time> page_start(QueryReader& query) {
  const auto cursor = query.text("cursor");
  if (!cursor) return std::nullopt;
  const auto parts = read_cursor(*cursor, 1);
  const auto time = parts ? parse_whole(parts->front()) : std::nullopt;
  if (time) return Time(std::chrono::microseconds(*time));
  query.error("cursor", "is not a cursor of this list");
  return std::nullopt;
}

json::object object_in(json::value value) {
  auto* object = value.if_object();
  return object != nullptr ? std::move(*object) : json::object();
}

json::object config_in(const json::object& spec) {
  const auto* config = spec.if_contains("config");
  return config != nullptr ? object_in(*config) : json::object();
}

// An AgentVersion. By name, so that nothing else of a spec is ever shown.
void append_version(JsonText& out, json::object spec) {
  out.begin_object();
  for (const char* name : {"runtime", "runtimeVersion", "config", "permissions", "resources"}) {
    auto& member = spec[name];
    domain::redact_sealed(member);
    out.key(name).raw(json::serialize(member));
  }
  out.end_object();
}

// Sealed values are in the config alone.
void append_same(JsonText& out, const json::object& config, const json::object& other) {
  out.begin_array();
  for (const auto& pointer : domain::same_sealed(config, other)) out.string("/config" + pointer);
  out.end_array();
}

void append_whole(JsonText& out, const db::Row& row) {
  auto spec = object_in(row.json(Column::kSpec));
  auto before = object_in(row.maybe_json(Column::kSpecBefore).value_or(nullptr));
  const auto config = config_in(spec);
  out.begin_object();
  append_deployment(out.key("deployment"), row, kPlaces);
  out.key("sameSecrets").begin_object();
  append_same(out.key("before"), config, config_in(before));
  append_same(out.key("now"), config, object_in(row.json(Column::kConfigNow)));
  out.end_object();
  append_version(out.key("version"), std::move(spec));
  out.key("before");
  if (row.is_null(Column::kSpecBefore)) {
    out.null();
  } else {
    append_version(out, std::move(before));
  }
  out.end_object();
}

}  // namespace

Result<DeploymentId> deployment_of(const http::Request& request) {
  const auto id = DeploymentId::parse(request.param("deployment"));
  if (!id) return no_such_deployment();
  return *id;
}

std::unexpected<Error> no_such_deployment() {
  return fail(Code::kNotFound, "not_found", "There is no such deployment.");
}

Task<Result<http::Response>> show_deployments(Services& services, Principal principal,
                                              http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  QueryReader query(request);
  const auto limit = query.limit();
  const auto before = page_start(query);
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));

  const auto found = co_await store::find_health(services.db, principal.client, *agent);
  if (!found) co_return context("find agent", found.error());
  if (found->empty()) co_return no_such_agent();
  const auto rows =
      co_await store::list_deployments(services.db, principal.client, *agent, limit + 1, before);
  if (!rows) co_return context("list deployments", rows.error());

  const int shown = std::min(rows->size(), static_cast<int>(limit));
  JsonText out(4096);
  out.begin_object().key("items").begin_array();
  for (int i = 0; i < shown; ++i) append_deployment(out, (*rows)[i], kPlaces);
  out.end_array().key("nextCursor");
  if (rows->size() > shown) {
    out.string(make_cursor({(*rows)[shown - 1].string(Column::kSortTime)}));
  } else {
    out.null();
  }
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

Task<Result<http::Response>> show_deployment(Services& services, Principal principal,
                                             http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto deployment = deployment_of(request);
  if (!deployment) co_return fail(deployment.error());
  const auto rows =
      co_await store::find_deployment(services.db, principal.client, *agent, *deployment);
  if (!rows) co_return context("show deployment", rows.error());
  if (rows->empty()) co_return no_such_deployment();
  JsonText out(8192);
  append_whole(out, rows->front());
  co_return json_text_response(200, std::move(out));
}

}  // namespace deployclaw::api::agents
