#include "api/agents/view.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/rendering/bind.hpp"
#include "domain/default_limits.hpp"
#include "domain/permissions.hpp"
#include "domain/sensitive_config.hpp"
#include "http/etag.hpp"
#include "store/agents.hpp"

namespace deployclaw::api::agents {
namespace {

using Column = store::AgentColumn;

// Most configs hold nothing sealed and go out as they are.
void append_config(JsonText& out, std::string_view config) {
  if (!config.contains(domain::kSealedKey)) {
    out.raw(config);
    return;
  }
  boost::system::error_code error;
  auto value = boost::json::parse(config, error);
  domain::redact_sealed(value);
  out.raw(boost::json::serialize(value));
}

}  // namespace

void append_deployment(JsonText& out, const db::Row& row, const DeploymentPlaces& at) {
  out.begin_object();
  out.key("id").string(row.text(at.id));
  out.key("kind").string(row.text(at.kind));
  out.key("state").string(row.text(at.state));
  out.key("generation").raw(row.text(at.generation));
  out.key("steps").raw(row.text(at.steps));
  const auto exit_code = row.maybe_text(at.exit_code);
  out.key("exitCode").raw(exit_code.value_or("null"));
  out.key("lastOutput").string_or_null(row.maybe_text(at.last_output));
  out.key("reason").string_or_null(row.maybe_text(at.reason));
  out.key("createdAt").string(row.text(at.created_at));
  out.key("endedAt").string_or_null(row.maybe_text(at.ended_at));
  out.end_object();
}

namespace {

// Exact, as a JSON number.
std::string dollars(std::uint64_t micro) {
  return fmt::format("{}.{:06}", micro / 1'000'000, micro % 1'000'000);
}

void append_spend(JsonText& out, const db::Row& row) {
  std::vector<FieldError> errors;  // none: what is stored has been read before
  const auto permissions = domain::read_permissions(row.json(Column::kPermissions), "", errors);
  const auto limits = domain::limits_of(permissions, row.text(Column::kPlan));
  const auto spent = static_cast<std::uint64_t>(row.int64(Column::kSpentToday));
  out.key("spend").begin_object();
  out.key("todayUsd").raw(dollars(spent));
  out.key("capUsd").raw(dollars(limits.daily_spend));
  out.end_object();
}

void append_last_action(JsonText& out, const db::Row& row) {
  out.key("lastAction");
  if (row.is_null(Column::kLastAction)) {
    out.null();
    return;
  }
  out.begin_object();
  out.key("at").string(row.text(Column::kLastActionAt));
  out.key("action").string(row.text(Column::kLastAction));
  out.end_object();
}

}  // namespace

void append_usage(JsonText& out, const db::Row& row, const UsagePlaces& at) {
  if (row.is_null(at.cpu_percent)) {
    out.null();
    return;
  }
  out.begin_object();
  out.key("cpuPercent").raw(row.text(at.cpu_percent));
  out.key("memoryBytes").raw(row.text(at.memory_bytes));
  out.key("memoryLimitBytes").raw(row.maybe_text(at.memory_limit_bytes).value_or("null"));
  out.end_object();
}

void append_agent(JsonText& out, const db::Row& row) {
  out.begin_object();
  out.key("id").string(row.text(Column::kId));
  out.key("name").string(row.text(Column::kName));
  out.key("runtime").string(row.text(Column::kRuntime));
  out.key("runtimeVersion").string(row.text(Column::kRuntimeVersion));
  out.key("status").string(row.text(Column::kStatus));
  out.key("desiredState").string(row.text(Column::kDesiredState));
  out.key("statusReason").string_or_null(row.maybe_text(Column::kStatusReason));
  append_config(out.key("config"), row.text(Column::kConfig));
  out.key("permissions").raw(row.text(Column::kPermissions));
  out.key("resources").raw(row.text(Column::kResources));
  out.key("host").string_or_null(row.maybe_text(Column::kHost));
  out.key("endpoint").string_or_null(row.maybe_text(Column::kEndpoint));
  out.key("generation").raw(row.text(Column::kGeneration));
  out.key("deployment");
  if (row.is_null(Column::kDeploymentId)) {
    out.null();
  } else {
    append_deployment(out, row,
                      {.id = Column::kDeploymentId,
                       .kind = Column::kDeploymentKind,
                       .state = Column::kDeploymentState,
                       .generation = Column::kDeploymentGeneration,
                       .steps = Column::kDeploymentSteps,
                       .exit_code = Column::kDeploymentExitCode,
                       .last_output = Column::kDeploymentLastOutput,
                       .reason = Column::kDeploymentReason,
                       .created_at = Column::kDeploymentCreatedAt,
                       .ended_at = Column::kDeploymentEndedAt});
  }
  out.key("createdAt").string(row.text(Column::kCreatedAt));
  out.key("updatedAt").string(row.text(Column::kUpdatedAt));
  append_usage(out.key("usage"), row,
               {.cpu_percent = Column::kCpuPercent,
                .memory_bytes = Column::kMemoryBytes,
                .memory_limit_bytes = Column::kMemoryLimitBytes});
  append_spend(out, row);
  out.key("restarts").raw(row.maybe_text(Column::kRestarts).value_or("0"));
  append_last_action(out, row);
  out.end_object();
}

http::Response agent_response(int status, const db::Row& row) {
  JsonText out(2048);
  out.begin_object().key("agent");
  append_agent(out, row);
  out.end_object();
  auto response = json_text_response(status, std::move(out));
  response.headers.add("ETag", http::make_etag(row.text(Column::kVersion)));
  return response;
}

Task<Result<http::Response>> agent_response(db::Transaction& tx, AgentId agent, int status) {
  const auto rows = co_await store::find_agent(tx, agent);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return no_such_agent();
  co_return agent_response(status, rows->front());
}

}  // namespace deployclaw::api::agents
