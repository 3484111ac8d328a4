#include "orchestrator/launch.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "orchestrator/authority.hpp"
#include "runtimes/config.hpp"
#include "runtimes/image_build.hpp"

namespace deployclaw::orchestrator {
namespace json = boost::json;
namespace {

constexpr std::uint64_t kMebibyte = 1024 * 1024;

const json::object& object_at(const json::object& parent, std::string_view key) {
  static const json::object kEmpty;
  const auto* value = parent.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : kEmpty;
}

// The placeholder of the credential that pays for the model: the first one of a provider's kind.
std::string model_placeholder(const std::vector<store::PlaceholderRow>& credentials) {
  constexpr std::array<std::string_view, 8> kProviders{
      "openai", "anthropic", "openrouter", "gemini", "mistral", "groq", "xai", "deepseek"};
  for (const auto provider : kProviders) {
    for (const auto& credential : credentials) {
      if (credential.kind == provider) return credential.placeholder;
    }
  }
  return "no-credential";
}

runtimes::TemplateValues template_values(const Launch& launch, const Config& config) {
  runtimes::TemplateValues values;
  values.agent_id = launch.agent.to_string();
  values.host = host_name_of(launch.agent);
  values.gateway_address = config.gateway_address;
  values.proxy_url = config.proxy_url;
  values.public_origin = config.public_origin;
  values.model_api_key = model_placeholder(launch.spec.credentials);
  values.credential = [credentials = launch.spec.credentials](std::string_view name) {
    for (const auto& credential : credentials) {
      if (credential.name == name) return credential.placeholder;
    }
    return std::string();
  };
  return values;
}

// What can be read of stored permissions; nothing is granted by what cannot.
domain::StateAccess access_of(const json::object& permissions) {
  std::vector<FieldError> errors;
  const json::value value(permissions);
  const auto read = domain::read_permissions(value, "", errors);
  return errors.empty() ? domain::state_access(read) : domain::StateAccess::kNone;
}

// Points Node, OpenSSL, Python's requests, curl and git to the bundle, whatever the runtime says of
// them: with another one nothing that is intercepted would verify.
void believe_bundle(std::vector<std::pair<std::string, std::string>>& environment) {
  constexpr std::array<std::string_view, 5> kNames{"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
                                                   "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                                                   "GIT_SSL_CAINFO"};
  for (const auto name : kNames) {
    std::erase_if(environment, [&](const auto& variable) { return variable.first == name; });
    environment.emplace_back(name, kBundleInContainer);
  }
}

}  // namespace

Result<Launch> make_launch(const runtimes::Catalogue& catalogue, const Config& config,
                           AgentId agent, std::int64_t generation, store::LaunchSpec spec) {
  Launch launch;
  launch.agent = agent;
  launch.generation = generation;
  launch.spec = std::move(spec);
  const auto* name = launch.spec.spec.if_contains("runtime");
  const std::string runtime =
      name != nullptr && name->is_string() ? std::string(std::string_view(name->get_string())) : "";
  launch.runtime = catalogue.find(runtime, config.allow_test_runtimes);
  if (launch.runtime == nullptr) {
    return fail(Code::kNotFound, "this host knows no runtime named \"" + runtime + "\"");
  }
  launch.customer_config = object_at(launch.spec.spec, "config");
  // The narrower of both: a version that is rolled back to must not bring back what was taken away.
  launch.access = std::min(access_of(object_at(launch.spec.spec, "permissions")),
                           access_of(launch.spec.permissions));
  std::vector<FieldError> errors;
  const json::value wanted = object_at(launch.spec.spec, "resources");
  launch.resources = domain::read_resources(wanted, launch.runtime->default_resources,
                                            launch.runtime->least_resources, "/resources", errors);
  if (!errors.empty()) {
    return fail(Code::kInvalid, errors[0].pointer + ": " + errors[0].detail);
  }
  return launch;
}

std::uint64_t view_bytes(const Launch& launch) {
  const auto megabytes = std::min(launch.resources.memory_mb / 2, launch.resources.disk_mb);
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(megabytes), 1) * kMebibyte;
}

Result<std::string> image_reference(const Launch& launch, const Config& config) {
  const auto& runtime = *launch.runtime;
  if (runtime.image.source == runtimes::ImageSource::kAllowed) {
    std::string image = runtimes::image_of(runtime, launch.customer_config);
    for (const auto& allowed : runtime.image.allowed) {
      if (allowed == image) return image;
    }
    return fail(Code::kForbidden, "the operator has not allowed the image \"" + image + "\"");
  }
  const auto record = runtimes::read_image_record(config.home / "images", runtime.name);
  if (!record && record.error().code == Code::kNotFound) {
    return fail(Code::kNotFound, "image " + runtime.image.name +
                                     " is not built on this host: run `deployclaw image build " +
                                     runtime.name + "`");
  }
  if (!record) return std::unexpected(record.error());
  return record->reference;
}

std::string host_name_of(AgentId agent) {
  std::string digits;
  for (const char c : agent.to_string()) {
    if (c != '-' && digits.size() < 12) digits += c;
  }
  return "agent-" + digits;
}

docker::ContainerSpec container_spec(const Launch& launch, const Config& config,
                                     const std::string& instance, const std::string& image,
                                     const HostPaths& paths) {
  const auto& runtime = *launch.runtime;
  docker::ContainerSpec spec;
  spec.agent = launch.agent;
  spec.client = launch.spec.client;
  spec.instance = instance;
  spec.generation = launch.generation;
  spec.image = image;
  spec.command = runtime.command;
  spec.environment = runtimes::render_environment(runtime, template_values(launch, config));
  believe_bundle(spec.environment);
  spec.hostname = host_name_of(launch.agent);
  spec.uid = runtime.uid;
  spec.gid = runtime.gid;
  spec.resources.cpus = launch.resources.cpus;
  spec.resources.memory_bytes = static_cast<std::uint64_t>(launch.resources.memory_mb) * kMebibyte;
  spec.resources.pids = launch.resources.pids;
  spec.tmpfs.push_back({.target = "/tmp", .size_bytes = runtime.tmpfs_mb * kMebibyte});
  spec.mounts.push_back({.source = paths.state_directory, .target = runtime.state_path});
  spec.mounts.push_back(
      {.source = paths.ca_bundle, .target = kBundleInContainer, .read_only = true});
  spec.stop_timeout = runtime.stop_timeout;
  return spec;
}

Task<Result<std::optional<ConfigWrite>>> render_config_file(const Launch& launch,
                                                            const Config& config,
                                                            vault::Vault& vault) {
  const auto& runtime = *launch.runtime;
  if (!runtime.config) co_return std::nullopt;
  vault::TokenContext context_of_token;
  context_of_token.client = launch.spec.client;
  context_of_token.client_salt = launch.spec.client_salt;
  context_of_token.agent = launch.agent;
  const auto token = co_await vault.derive_token(std::move(context_of_token));
  if (!token) co_return context("gateway token", token.error());
  auto values = template_values(launch, config);
  values.gateway_token = std::string(token->token.expose_text());
  auto rendered = runtimes::render_config(runtime, launch.customer_config, values);
  wipe_string(values.gateway_token);
  if (!rendered) co_return context("config", rendered.error());
  ConfigWrite write;
  write.agent = launch.agent;
  write.path =
      std::filesystem::path(runtime.config->path).lexically_relative(runtime.state_path).string();
  write.config = std::move(*rendered);
  write.uid = runtime.uid;
  write.gid = runtime.gid;
  write.access = launch.access;
  co_return write;
}

}  // namespace deployclaw::orchestrator
