// deployclaw: subcommands and wiring only.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "app/commands.hpp"
#include "app/policy.hpp"
#include "app/roles.hpp"
#include "app/settings.hpp"
#include "app/up.hpp"
#include "base/log.hpp"

extern char** environ;  // NOLINT: POSIX

namespace {

using namespace deployclaw;

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  bool check_config = false;
  bool print_config = false;
  std::string log_level;
};

Result<app::Settings> load(const Options& options) {
  app::Settings settings;
  if (!options.config.empty()) {
    if (auto read = settings.read_file(options.config); !read) return fail(read.error());
  }
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  if (auto read = settings.read_environment(environment); !read) return fail(read.error());
  for (const auto& assignment : options.overrides) {
    if (auto set = settings.apply_override(assignment); !set) return fail(set.error());
  }
  if (auto valid = app::complete(settings); !valid) return fail(valid.error());
  return settings;
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::kDebug;
  if (name == "warn") return log::Level::kWarn;
  if (name == "error") return log::Level::kError;
  return log::Level::kInfo;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{
      "DeployClaw runs AI agents for many customers: each alone in a hardened container, its "
      "keys in a vault, its way out through one gateway."};
  cli.set_version_flag("--version", std::string(app::version()));
  cli.require_subcommand(0, 1);
  Options options;
  std::function<int(app::Settings)> command;

  const auto add = [&](CLI::App* parent, const std::string& name, const std::string& help,
                       std::function<int(app::Settings)> run) {
    CLI::App* sub = parent->add_subcommand(name, help);
    sub->add_option("--config", options.config, "TOML file; see --print-config for all settings");
    sub->add_option("--set", options.overrides,
                    "section.name=value; wins over file and environment");
    sub->add_flag("--check-config", options.check_config, "Check the configuration and exit");
    sub->add_flag("--print-config", options.print_config, "Print the effective configuration");
    sub->callback([&command, run = std::move(run)] {
      if (!command) command = run;
    });
    return sub;
  };

  add(&cli, "up", "Run the whole platform on this machine", app::run_up);
  add(&cli, "api", "Run the api role", app::run_api);
  add(&cli, "egress", "Run the egress role, the agents' way out", app::run_egress);
  add(&cli, "orchestrator", "Run the orchestrator role", app::run_orchestrator);
  auto* vault = add(&cli, "vault", "Run the vault role, or ask a running one", app::run_vault);
  bool json = false;
  const auto vault_command = [&](const std::string& name, const std::string& help,
                                 int (*run)(const app::Settings&, bool)) {
    add(vault, name, help, [&json, run](app::Settings s) {
      return run(s, json);
    })->add_flag("--json", json, "Answer as JSON");
  };
  vault_command("status", "Key versions and counters of the running vault", app::vault_status);
  vault_command("rotate", "Add a master key version", app::vault_rotate);

  bool status_only = false;
  add(&cli, "migrate", "Bring the database to this version's schema", [&](app::Settings s) {
    return app::migrate(s, status_only);
  })->add_flag("--status", status_only, "Only tell what is applied and pending");

  app::ImageOptions image_options;
  auto* image = cli.add_subcommand("image", "Build and list agent images");
  image->require_subcommand(1);
  auto* build = add(image, "build", "Build a runtime's image from its recipe",
                    [&](app::Settings s) { return app::image_build(s, image_options); });
  build->add_option("runtime", image_options.runtime, "openclaw, probe, …")->required();
  build->add_flag("--no-cache", image_options.no_cache, "Build even when the cache has it");
  build->add_option("--archive", image_options.archive,
                    "Release archive, for runtimes made from one");
  build->add_option("--sha256", image_options.sha256, "The archive's expected SHA-256");
  add(image, "list", "The images built on this machine",
      [](app::Settings s) { return app::image_list(s); });

  app::ExplainOptions explain_options;
  auto* policy = cli.add_subcommand("policy", "What an agent's permissions mean");
  policy->require_subcommand(1);
  auto* explain = add(policy, "explain", "Would this request be let through, and why",
                      [&](app::Settings s) { return app::policy_explain(s, explain_options); });
  explain->add_option("agent", explain_options.agent, "The agent's id, or its name")->required();
  explain->add_option("method", explain_options.method, "GET, POST, …")->required();
  explain->add_option("url", explain_options.url, "https://host/path, wss://…, tcp://host:port")
      ->required();
  explain->add_option("--body", explain_options.body, "JSON body, for rules that look into it");
  explain->add_flag("--json", explain_options.json, "Answer as the API does");

  CLI11_PARSE(cli, argc, argv);
  if (!command) {
    std::fputs(cli.help().c_str(), stdout);
    return 0;
  }
  auto settings = load(options);
  if (!settings) {
    fmt::print(stderr, "deployclaw: {}\n", settings.error().message);
    return 2;
  }
  if (options.print_config) {
    std::fputs(settings->to_toml(false).c_str(), stdout);
    return 0;
  }
  if (options.check_config) {
    fmt::print("the configuration is valid\n");
    return 0;
  }
  log::init(cli.get_subcommands().front()->get_name(), level_of(settings->text("log_level")));
  return command(std::move(*settings));
}
