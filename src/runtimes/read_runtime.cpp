// From one TOML file to a checked Runtime. A mistake here would be a hole or a broken agent later,
// so everything that can be checked without starting a container is.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <regex>
#include <string>

#include "base/toml_reader.hpp"
#include "runtimes/catalogue.hpp"
#include "runtimes/config.hpp"

namespace deployclaw::runtimes {
namespace {

constexpr std::int64_t kMostSeconds = 3600;
constexpr std::int64_t kMostId = 4'000'000;
constexpr std::int64_t kMostConfigKb = 4096;

bool matches(const std::string& text, const char* pattern) {
  return std::regex_match(text, std::regex(pattern));
}

bool is_clean_path(const std::string& path) {
  return matches(path, "(/[A-Za-z0-9._-]+)+") && path.find("/..") == std::string::npos;
}

void check_placeholders(TomlReader& reader, std::string_view key, std::string_view text,
                        bool allow_secret) {
  if (auto bad = bad_placeholder(text, allow_secret); !bad.empty()) reader.problem(key, bad);
}

void check_placeholders(TomlReader& reader, std::string_view key, const boost::json::value& value) {
  if (const auto* text = value.if_string()) {
    check_placeholders(reader, key, std::string_view(*text), true);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) check_placeholders(reader, key, member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) check_placeholders(reader, key, item);
  }
}

ImageSpec read_image(TomlReader reader) {
  ImageSpec image;
  const std::string source = reader.text("source");
  if (source == "allowed") {
    image.source = ImageSource::kAllowed;
    image.allowed = reader.texts("allowed");
  } else {
    if (source != "recipe" && !source.empty())
      reader.problem("source", "must be recipe or allowed");
    image.name = reader.text("name");
    image.recipe = reader.text("recipe");
    image.needs_archive = reader.flag_or("needs_archive", false);
    image.changes = reader.texts("changes");
    if (!image.name.empty() && !matches(image.name, "[a-z0-9]+([._/-][a-z0-9]+)*")) {
      reader.problem("name", "must be a lower-case image name without a tag");
    }
    if (!image.recipe.empty() && !matches(image.recipe, "[a-z0-9][a-z0-9-]*")) {
      reader.problem("recipe", "must be the name of a folder in images/");
    }
  }
  reader.finish();
  return image;
}

HttpCheck read_check(std::optional<TomlReader> reader) {
  HttpCheck check;
  if (!reader) return check;
  check.path = reader->text("path");
  check.expect = reader->json("expect");
  if (!check.path.empty() && !matches(check.path, "/[A-Za-z0-9._~/-]*")) {
    reader->problem("path", "must be an absolute path without query");
  }
  reader->finish();
  return check;
}

Probe read_probe(TomlReader reader) {
  Probe probe;
  probe.port = static_cast<std::uint16_t>(reader.whole("port", 1, 65535));
  probe.headers = reader.text_table("headers");
  for (const auto& [name, value] : probe.headers) {
    if (!matches(name, "[A-Za-z0-9-]+") || !matches(value, "[ -~]*")) {
      reader.problem("headers", "must be HTTP header names and printable values");
    }
  }
  probe.live = read_check(reader.table("live", true));
  probe.started = read_check(reader.table("started", true));
  probe.ready = read_check(reader.table("ready", true));
  reader.finish();
  return probe;
}

OwnPage read_page(TomlReader reader) {
  OwnPage page;
  page.port = static_cast<std::uint16_t>(reader.whole("port", 1, 65535));
  page.headers = reader.text_table("headers");
  for (const auto& [name, value] : page.headers) {
    if (!matches(name, "([A-Za-z0-9-]|\\$\\{page_key\\})+") ||
        !matches(value, "([ -#%-~]|\\$\\{(gateway_token|user|public_origin)\\})*")) {
      reader.problem(
          "headers",
          "must be HTTP header names and printable values, with no placeholders but "
          "${page_key} in names, ${gateway_token}, ${user} and ${public_origin} in values");
    }
  }
  reader.finish();
  return page;
}

domain::Resources read_resource_table(std::optional<TomlReader> reader) {
  const auto& least = domain::kLeastResources;
  const auto& most = domain::kMostResources;
  domain::Resources resources;
  if (!reader) return resources;
  resources.cpus = reader->number("cpus", least.cpus, most.cpus);
  resources.memory_mb = reader->whole("memory_mb", least.memory_mb, most.memory_mb);
  resources.disk_mb = reader->whole("disk_mb", least.disk_mb, most.disk_mb);
  resources.pids = reader->whole("pids", least.pids, most.pids);
  reader->finish();
  return resources;
}

void read_resources(TomlReader reader, Runtime& runtime) {
  runtime.default_resources = read_resource_table(reader.table("default", true));
  runtime.least_resources = read_resource_table(reader.table("least", true));
  const auto& given = runtime.default_resources;
  const auto& least = runtime.least_resources;
  if (given.cpus < least.cpus || given.memory_mb < least.memory_mb ||
      given.disk_mb < least.disk_mb || given.pids < least.pids) {
    reader.problem("default", "must not be below resources.least");
  }
  reader.finish();
}

ConfigFile read_config(TomlReader reader, const std::string& state_path) {
  ConfigFile config;
  config.path = reader.text("path");
  if (!config.path.empty() &&
      (!is_clean_path(config.path) || !config.path.starts_with(state_path + "/"))) {
    reader.problem("path", "must be a plain absolute path below state_path");
  }
  config.max_bytes = static_cast<std::size_t>(reader.whole("max_kb", 1, kMostConfigKb)) * 1024;
  config.allowed = reader.texts("allowed");
  for (auto& [pointer, reason] : reader.text_table("refused")) {
    if (!pointer.starts_with('/') || reason.empty()) {
      reader.problem("refused", "must map JSON pointers to reasons");
    }
    config.refused.emplace(pointer, reason);
  }
  config.base = reader.json("template");
  check_placeholders(reader, "template", config.base);
  reader.finish();
  return config;
}

std::map<int, std::string> read_exit_codes(TomlReader& top) {
  std::map<int, std::string> codes;
  for (auto& [name, meaning] : top.text_table("exit_codes")) {
    if (!matches(name, "[0-9]{1,3}") || std::stoi(name) > 255 || meaning.empty()) {
      top.problem("exit_codes", "must map codes from 0 to 255 to their meaning");
      continue;
    }
    codes.emplace(std::stoi(name), meaning);
  }
  return codes;
}

void read_environment(TomlReader& top, Runtime& runtime) {
  runtime.environment = top.text_table("environment");
  for (const auto& [name, value] : runtime.environment) {
    if (!matches(name, "[A-Za-z_][A-Za-z0-9_]*")) {
      top.problem("environment", fmt::format("'{}' is not a variable's name", name));
    }
    // The environment is visible in `docker inspect` and to every child of the agent.
    check_placeholders(top, "environment", value, false);
  }
}

Runtime read_top(TomlReader& top) {
  Runtime runtime;
  runtime.name = top.text("name");
  if (!runtime.name.empty() && !matches(runtime.name, "[a-z][a-z0-9-]{0,31}")) {
    top.problem("name", "must be lower-case letters, digits and dashes");
  }
  runtime.title = top.text("title");
  runtime.version = top.text("version");
  if (!runtime.version.empty() && !matches(runtime.version, "[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
    top.problem("version", "must fit into an image tag");
  }
  runtime.test_only = top.flag_or("test_only", false);
  runtime.command = top.texts("command");
  runtime.deadline = std::chrono::seconds(top.whole("deadline_seconds", 1, kMostSeconds));
  runtime.stop_timeout = std::chrono::seconds(top.whole("stop_timeout_seconds", 1, kMostSeconds));
  runtime.parallel_starts = static_cast<std::size_t>(top.whole("parallel_starts", 1, 1024));
  runtime.state_path = top.text("state_path");
  if (!runtime.state_path.empty() && !is_clean_path(runtime.state_path)) {
    top.problem("state_path", "must be a plain absolute path");
  }
  // Root in the container is refused: uid 0 would be root on the host should it get out.
  runtime.uid = static_cast<std::uint32_t>(top.whole("uid", 1000, kMostId));
  runtime.gid = static_cast<std::uint32_t>(top.whole("gid", 1000, kMostId));
  runtime.tmpfs_mb = static_cast<std::uint64_t>(top.whole("tmpfs_mb", 1, 65536));
  return runtime;
}

}  // namespace

Runtime read_runtime(std::string_view toml_text, const std::string& file,
                     std::vector<std::string>& list) {
  Problems problems{file, list};
  const auto parsed = parse_toml(toml_text, problems);
  if (!parsed) return {};
  TomlReader top(*parsed, "", problems);
  Runtime runtime = read_top(top);
  read_environment(top, runtime);
  if (auto image = top.table("image", true)) runtime.image = read_image(std::move(*image));
  if (auto probe = top.table("probe", true)) runtime.probe = read_probe(std::move(*probe));
  if (auto resources = top.table("resources", true)) {
    read_resources(std::move(*resources), runtime);
  }
  if (auto page = top.table("page", false)) runtime.page = read_page(std::move(*page));
  if (auto config = top.table("config", false)) {
    runtime.config = read_config(std::move(*config), runtime.state_path);
  }
  runtime.exit_codes = read_exit_codes(top);
  top.finish();
  return runtime;
}

}  // namespace deployclaw::runtimes
