#include "api/agents/request.hpp"

#include <boost/json/array.hpp>

#include "domain/names.hpp"
#include "domain/permissions.hpp"
#include "domain/resources.hpp"
#include "http/fields.hpp"
#include "runtimes/config.hpp"

namespace deployclaw::api::agents {
namespace {

namespace json = boost::json;
using Errors = std::vector<FieldError>;

constexpr std::size_t kMostSecrets = 64;
constexpr std::size_t kMostCredentials = 20;

void report(http::Fields& in, Errors errors) {
  for (auto& error : errors) in.error_at(std::move(error.pointer), std::move(error.detail));
}

std::string checked_name(http::Fields& in, const json::value& value) {
  const auto* text = value.if_string();
  if (text == nullptr) {
    in.error("name", "must be a string");
    return {};
  }
  auto name = domain::agent_name(*text);
  if (!name) {
    in.error("name", std::move(name.error()));
    return {};
  }
  return std::move(*name);
}

CheckedConfig checked_config(http::Fields& in, const runtimes::Runtime& runtime,
                             const json::object& given, const json::object* stored) {
  report(in, runtimes::validate_customer_config(runtime, given, "/config"));
  CheckedConfig checked{.config = given, .secrets = {}};
  Errors errors;
  checked.secrets = domain::extract_sensitive(checked.config, stored, "/config", errors);
  if (checked.secrets.size() > kMostSecrets) in.error("config", "holds more than 64 secrets");
  report(in, std::move(errors));
  return checked;
}

json::object checked_permissions(http::Fields& in, const json::value& value) {
  Errors errors;
  auto permissions = domain::to_json(domain::read_permissions(value, "/permissions", errors));
  report(in, std::move(errors));
  return permissions;
}

json::object checked_resources(http::Fields& in, const json::value& value,
                               const domain::Resources& defaults, const domain::Resources& least) {
  Errors errors;
  auto resources =
      domain::to_json(domain::read_resources(value, defaults, least, "/resources", errors));
  report(in, std::move(errors));
  return resources;
}

void read_credentials(http::Fields& in, const services::Catalogue& catalogue,
                      std::vector<credentials::CredentialRequest>& into) {
  const auto* list = in.optional_array("credentials", kMostCredentials);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto base = in.pointer("credentials") + "/" + std::to_string(i);
    const auto* object = (*list)[i].if_object();
    if (object == nullptr) {
      in.error_at(base, "must be an object");
      continue;
    }
    auto credential = credentials::read_credential(catalogue, *object, base, std::nullopt);
    if (!credential) {
      report(in, std::move(credential.error().fields));
      continue;
    }
    for (const auto& other : into) {
      if (other.name == credential->name) in.error_at(base + "/name", "is used twice");
    }
    into.push_back(std::move(*credential));
  }
}

}  // namespace

Result<CreateRequest> read_create(const runtimes::Catalogue& catalogue,
                                  const services::Catalogue& services, const ApiConfig& api,
                                  json::object body) {
  http::Fields in(body);
  CreateRequest out;
  if (const auto* name = in.optional_value("name")) {
    out.name = checked_name(in, *name);
  } else {
    in.error("name", "is required");
  }
  const bool has_runtime = body.contains("runtime");
  const auto runtime = in.required_string("runtime", {.min = 1, .max = 64});
  out.runtime = catalogue.find(runtime, api.allow_test_runtimes);
  if (has_runtime && out.runtime == nullptr && !runtime.empty()) {
    in.error("runtime", "is not a runtime of this platform");
  }
  out.desired_state = in.optional_enum("desiredState", {"running", "stopped"}).value_or("running");
  if (const auto* permissions = in.optional_value("permissions")) {
    out.permissions = checked_permissions(in, *permissions);
  } else {
    in.error("permissions", "is required");
  }
  const auto* config = in.optional_object("config");
  const auto* resources = in.optional_value("resources");
  if (out.runtime != nullptr) {
    const json::object empty;
    out.config = checked_config(in, *out.runtime, config != nullptr ? *config : empty, nullptr);
    const json::value defaults_only = json::object();
    out.resources = checked_resources(in, resources != nullptr ? *resources : defaults_only,
                                      out.runtime->default_resources, out.runtime->least_resources);
  }
  read_credentials(in, services, out.credentials);
  auto good = in.finish();
  json::value used(std::move(body));
  domain::wipe_strings(used);
  if (!good) return fail(std::move(good.error()));
  return out;
}

Result<ChangeRequest> read_change(const runtimes::Catalogue& catalogue,
                                  const store::LockedAgent& agent, json::object body) {
  http::Fields in(body);
  ChangeRequest out;
  // A test-only runtime that is deployed already may be changed.
  const auto* runtime = catalogue.find(agent.runtime, true);
  if (const auto* name = in.optional_value("name")) out.name = checked_name(in, *name);
  out.runtime_version = in.optional_string("runtimeVersion", {.min = 1, .max = 64});
  if (out.runtime_version && *out.runtime_version != agent.runtime_version &&
      (runtime == nullptr || *out.runtime_version != runtime->version)) {
    in.error("runtimeVersion", "is not a version of this runtime that can be deployed");
  }
  if (const auto* permissions = in.optional_value("permissions")) {
    out.permissions = checked_permissions(in, *permissions);
  }
  const auto* config = in.optional_object("config");
  const auto* resources = in.optional_value("resources");
  if (runtime == nullptr && (config != nullptr || resources != nullptr)) {
    return fail(Code::kConflict, "runtime_gone",
                "The agent's runtime is no longer offered: it can be stopped or deleted only.");
  }
  if (config != nullptr) out.config = checked_config(in, *runtime, *config, &agent.config);
  if (resources != nullptr) {
    Errors ignored;
    const auto present =
        domain::read_resources(json::value(agent.resources), runtime->default_resources,
                               domain::kLeastResources, "", ignored);
    out.resources = checked_resources(in, *resources, present, runtime->least_resources);
  }
  auto good = in.finish();
  json::value used(std::move(body));
  domain::wipe_strings(used);
  if (!good) return fail(std::move(good.error()));
  return out;
}

}  // namespace deployclaw::api::agents
