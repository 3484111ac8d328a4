#include "app/policy.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <optional>

#include "api/policy/parts.hpp"
#include "app/database_access.hpp"
#include "app/embedded_postgres.hpp"
#include "app/paths.hpp"
#include "http/json_body.hpp"
#include "services/explain.hpp"
#include "store/agent_policy.hpp"

namespace deployclaw::app {
namespace {

using Found = Result<std::optional<store::AgentPolicyParts>>;

int trouble(std::string_view message) {
  fmt::print(stderr, "deployclaw policy explain: {}\n", message);
  return 2;
}

// The database as configured, or that of the platform `up` runs on this home.
Result<std::string> conninfo(Settings settings) {
  if (settings.text("database.url").empty()) {
    const auto paths = locate(settings.text("home").empty() ? "var" : settings.text("home"));
    if (!paths) return fail(paths.error());
    const auto url = EmbeddedPostgres(*paths).url();
    if (auto set = settings.set("database.url", url, "home"); !set) return fail(set.error());
    const auto passfiles = paths->passfiles();
    if (auto set = settings.set("database.passfile_dir", passfiles, "home"); !set) {
      return fail(set.error());
    }
  }
  return role_conninfo(settings, "deployclaw_egress");
}

Task<void> look_up(db::Database& database, std::string agent, std::optional<Found>& into) {
  auto found = co_await store::find_any_agent_policy(database, std::move(agent));
  into.emplace(std::move(found));
  co_await database.close();
}

Result<store::AgentPolicyParts> find_parts(const Settings& settings, const std::string& agent) {
  auto where = conninfo(settings);
  if (!where) return fail(std::move(where.error()));
  boost::asio::io_context io(1);
  db::Options options;
  options.conninfo = std::move(*where);
  options.application_name = "deployclaw policy";
  options.shared_connections = 1;
  db::Database database(io.get_executor(), std::move(options));
  TaskGroup tasks(io.get_executor());
  std::optional<Found> found;
  tasks.spawn("look up an agent", look_up(database, agent, found));
  io.run();
  if (!found) return fail(Code::kInternal, "the database gave no answer");
  if (!*found) return fail(std::move(found->error()));
  if (!**found) return fail(Code::kNotFound, "there is no agent " + agent);
  return std::move(***found);
}

void print(const services::Explanation& answer) {
  const auto line = [](std::string_view name, const std::string& value) {
    if (!value.empty()) fmt::print("{:14}{}\n", name, value);
  };
  line("verdict", std::string(services::to_string(answer.verdict)));
  line("layer", answer.layer);
  line("reason", answer.reason);
  line("missing scope", answer.missing_scope);
  line("rule", answer.rule);
  line("rule file", answer.rule_file);
  line("scope", answer.scope);
  line("action", answer.action);
  line("target", answer.target);
  if (answer.limits) {
    line("limits", fmt::format("{} an hour, {} a day{}", answer.limits->per_hour,
                               answer.limits->per_day, answer.default_limits ? " (default)" : ""));
  }
  if (answer.approval) line("approval", "each request waits for a person");
}

}  // namespace

int policy_explain(const Settings& settings, const ExplainOptions& options) {
  services::Question question{.method = options.method, .url = options.url};
  if (!options.body.empty()) {
    auto body = http::parse_json(options.body);
    if (!body) return trouble("--body: " + body.error().message);
    question.body = std::move(*body);
  }
  const auto catalogue = services::Catalogue::load(settings.text("catalog_dir"));
  if (!catalogue) return trouble(catalogue.error().message);
  auto parts = find_parts(settings, options.agent);
  if (!parts) return trouble(parts.error().message);
  const auto loaded = api::policy::loaded_policy(*catalogue, std::move(*parts));
  if (!loaded) return trouble(loaded.error().message);
  const auto policy = api::policy::compile(*loaded);
  if (!policy) return trouble(policy.error().message);
  const auto answer = services::explain(*policy, loaded->parts.permissions, question);
  if (!answer) {
    for (const auto& field : answer.error().fields) {
      trouble(fmt::format("{} {}", field.pointer.substr(1), field.detail));
    }
    return 2;
  }
  if (options.json) {
    fmt::print("{}\n", boost::json::serialize(services::to_json(*answer)));
  } else {
    print(*answer);
  }
  return answer->verdict == services::Verdict::kAllowed ? 0 : 1;
}

}  // namespace deployclaw::app
