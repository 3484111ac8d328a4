#include "app/settings.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>

namespace deployclaw::app {
namespace {

using enum SettingKind;

constexpr std::array kSettings{
    Setting{"home", kText, "", "Where all data lives; default: var below the working directory"},
    Setting{"log_level", kText, "info", "debug, info, warn or error"},
    Setting{"catalog_dir", kText, "", "Folder with runtimes/*.toml; default: beside the program"},

    Setting{
        "database.url", kText, "",
        "PostgreSQL of the platform; empty: `up` runs a private one. Each role adds its own user",
        true},
    Setting{"database.passfile_dir", kText, "",
            "Folder with <role>.pgpass files (0600), one for each database role"},

    Setting{"docker.host", kText, "unix:///var/run/docker.sock",
            "Docker Engine; when none answers there, `up` runs a private one"},

    Setting{"vault.socket", kText, "", "Unix socket of the vault; default: in the run directory"},
    Setting{"vault.keys_dir", kText, "", "Folder with master.keys; default: <home>/vault"},
    Setting{"vault.api_uid", kInteger, "64202", "User id that the api role runs as"},
    Setting{"vault.orchestrator_uid", kInteger, "64203", "User id of the orchestrator role"},
    Setting{"vault.egress_uid", kInteger, "64204", "User id of the egress role"},
    Setting{"vault.uid", kInteger, "64201", "User id of the vault role"},

    Setting{"api.listen", kText, "127.0.0.1:8080", "Address and port of the public listener"},
    Setting{"api.internal_listen", kText, "127.0.0.1:0",
            "Metrics and readiness; port 0 picks a free one"},
    Setting{"api.public_url", kText, "", "How browsers reach us; default: http://localhost:<port>"},
    Setting{"api.trusted_proxies", kTextList, "",
            "Addresses whose X-Forwarded-For is believed; none by default"},
    Setting{"api.allow_test_runtimes", kBool, "false", "Offer runtimes marked test_only"},
    Setting{"api.hashing_threads", kInteger, "2", "Threads for password hashing (1-16)"},
    Setting{"api.bcrypt_cost", kInteger, "12", "Cost of new password hashes (10-16)"},

    Setting{"web.root", kText, "", "Folder with the built pages; default: beside the program"},
    Setting{"web.agents_host", kText, "agents.localhost",
            "Host below which each agent's own page is; never below the dashboard's domain"},

    Setting{"branding.name", kText, "DeployClaw", "The name that pages show (1-60 characters)"},
    Setting{"branding.logo", kText, "", "Logo file (.svg, .png, .webp) that the api user can read"},
    Setting{"branding.support", kText, "", "E-mail address that pages show for help"},
    Setting{"branding.accent", kText, "", "Accent colour like #2f6feb"},
    Setting{"branding.css_file", kText, "",
            "CSS file that the api user can read; it ends /branding.css"},
    Setting{"branding.book_call_url", kText, "", "https:// link to book a call; none by default"},
    Setting{"branding.plausible_domain", kText, "",
            "Site to count visits of the pages for at Plausible; off by default"},
    Setting{"branding.plausible_url", kText, "https://plausible.io",
            "Where Plausible's script comes from"},

    Setting{"orchestrator.listen", kText, "127.0.0.1:0", "Metrics and readiness of this role"},
    Setting{"orchestrator.host_name", kText, "", "Name of this machine; default: its host name"},
    Setting{"orchestrator.agent_pool", kText, "10.231.0.0/16",
            "Range of the agents' addresses (CIDR); the first one is the gateway"},
    Setting{"orchestrator.table_suffix", kText, "",
            "1-6 letters or digits that keep several platforms on one machine apart"},
    Setting{"orchestrator.parallel_starts", kInteger, "2",
            "Agents started at the same time (1-64)"},

    Setting{"egress.listen", kText, "127.0.0.1:0", "Metrics and readiness of this role"},
    Setting{"egress.nameservers", kTextList, "",
            "DNS servers that agents' hosts are looked up at; default: those of /etc/resolv.conf"},
    Setting{"egress.hosts", kTextList, "",
            "name=address entries: hosts with fixed addresses, the one way to a private address"},
    Setting{"egress.extra_roots", kText, "",
            "PEM file of certificate authorities to trust besides the system's"},
    Setting{"egress.spool_mb", kInteger, "256",
            "Audit records that may wait for the database (16-65536); full: requests are refused"},
    Setting{"egress.worker_idle_seconds", kInteger, "300",
            "A client's worker without connections ends after so long (5-86400)"},
    Setting{"egress.request_head_seconds", kInteger, "30",
            "How long an agent may take over the head of a request (1-86400)"},
    Setting{"egress.request_body_seconds", kInteger, "120",
            "Between two pieces of a request's body (1-86400)"},
    Setting{"egress.keep_alive_seconds", kInteger, "75",
            "How long an agent's connection is kept for another request (1-86400)"},
    Setting{"egress.answer_head_seconds", kInteger, "600",
            "How long a server may think before it begins to answer (1-86400); then 504"},
    Setting{"egress.answer_body_seconds", kInteger, "300",
            "Between two pieces of an answer (1-86400)"},
    Setting{"egress.tunnel_seconds", kInteger, "900",
            "WebSockets and mail connections on which nothing comes end after so long (1-86400)"},
    Setting{
        "egress.approval_hold_seconds", kInteger, "180",
        "How long a request that a person must allow is held before the agent gets 202 (1-3600)"},
    Setting{"egress.approval_seconds", kInteger, "600",
            "How long a person may take, and how long a grant is good (2-604800)"},
    Setting{"egress.first_worker_uid", kInteger, "1900000000",
            "User ids from here on are the workers' (10,000 of them)"},

    Setting{"models.unknown", kText, "dearest",
            "A model without a price: dearest (costs the most that its provider takes) or refuse"},
    Setting{"models.prices", kText, "",
            "Folder with prices of your own, <provider>.toml as in catalog/models; they go first"},
};

const Setting* find(std::string_view key) {
  const auto* it = std::ranges::find(kSettings, key, &Setting::key);
  return it == kSettings.end() ? nullptr : it;
}

std::string environment_name(std::string_view key) {
  std::string name = "DEPLOYCLAW_";
  for (const char c : key) {
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The text form of a TOML value, or nothing when its type does not fit the setting.
std::optional<std::string> as_text(const toml::node& node, SettingKind kind) {
  switch (kind) {
    case kText:
      return node.is_string() ? node.value<std::string>() : std::nullopt;
    case kInteger:
      if (!node.is_integer()) return std::nullopt;
      return std::to_string(*node.value<std::int64_t>());
    case kBool:
      if (!node.is_boolean()) return std::nullopt;
      return *node.value<bool>() ? "true" : "false";
    case kTextList: {
      const auto* array = node.as_array();
      if (array == nullptr) return std::nullopt;
      std::string joined;
      for (const auto& item : *array) {
        const auto text = item.value<std::string>();
        if (!item.is_string() || text->find(',') != std::string::npos) return std::nullopt;
        if (!joined.empty()) joined += ',';
        joined += *text;
      }
      return joined;
    }
  }
  return std::nullopt;
}

std::string_view kind_name(SettingKind kind) {
  switch (kind) {
    case kText:
      return "a string";
    case kInteger:
      return "an integer";
    case kBool:
      return "true or false";
    case kTextList:
      return "a list of strings";
  }
  return "";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::span<const Setting> all_settings() { return kSettings; }

Settings::Settings() {
  for (const auto& setting : kSettings) values_.emplace(setting.key, setting.fallback);
}

Status Settings::read_file(const std::string& path) {
  toml::parse_result parsed;
  try {
    parsed = toml::parse_file(path);
  } catch (const toml::parse_error& e) {
    return fail(Code::kInvalid,
                fmt::format("{}:{}: {}", path, e.source().begin.line, e.description()));
  }
  const auto take = [&](std::string_view key, const toml::node& node) -> Status {
    const auto line = node.source().begin.line;
    const Setting* setting = find(key);
    if (setting == nullptr) {
      return fail(Code::kInvalid, fmt::format("{}:{}: unknown setting '{}'", path, line, key));
    }
    const auto text = as_text(node, setting->kind);
    if (!text) {
      return fail(Code::kInvalid,
                  fmt::format("{}:{}: '{}' must be {}", path, line, key, kind_name(setting->kind)));
    }
    return set(key, *text, fmt::format("{}:{}", path, line));
  };
  for (const auto& [name, node] : parsed) {
    const auto* section = node.as_table();
    if (section == nullptr) {
      if (auto taken = take(name.str(), node); !taken) return taken;
      continue;
    }
    for (const auto& [inner, value] : *section) {
      const auto key = fmt::format("{}.{}", name.str(), inner.str());
      if (auto taken = take(key, value); !taken) return taken;
    }
  }
  return {};
}

Status Settings::read_environment(std::span<const std::string> environment) {
  const auto lookup = [&](std::string_view name) -> std::optional<std::string_view> {
    for (const std::string_view entry : environment) {
      if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
        return entry.substr(name.size() + 1);
      }
    }
    return std::nullopt;
  };
  if (const auto url = lookup("DATABASE_URL")) {
    if (auto done = set("database.url", *url, "DATABASE_URL"); !done) return done;
  }
  if (const auto host = lookup("DOCKER_HOST"); host && !host->empty()) {
    if (auto done = set("docker.host", *host, "DOCKER_HOST"); !done) return done;
  }
  if (const auto port = lookup("DEPLOYCLAW_PORT"); port && !port->empty()) {
    const auto number = parse_integer(*port);
    if (!number || *number < 0 || *number > 65535) {
      return fail(Code::kInvalid,
                  fmt::format("DEPLOYCLAW_PORT: '{}' is not a port (0-65535)", *port));
    }
    if (auto done = set("api.listen", fmt::format("127.0.0.1:{}", *port), "DEPLOYCLAW_PORT");
        !done) {
      return done;
    }
  }
  for (const auto& setting : kSettings) {
    const auto name = environment_name(setting.key);
    const auto value = lookup(name);
    if (!value) continue;
    if (auto done = set(setting.key, *value, name); !done) return done;
  }
  return {};
}

Status Settings::apply_override(std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    return fail(Code::kInvalid, fmt::format("--set {}: expected section.name=value", assignment));
  }
  return set(assignment.substr(0, equals), assignment.substr(equals + 1), "--set");
}

Status Settings::set(std::string_view key, std::string_view value, std::string_view source) {
  const Setting* setting = find(key);
  if (setting == nullptr) {
    return fail(Code::kInvalid, fmt::format("{}: unknown setting '{}'", source, key));
  }
  const bool fits = (setting->kind != kInteger || parse_integer(value)) &&
                    (setting->kind != kBool || value == "true" || value == "false");
  if (!fits) {
    return fail(Code::kInvalid,
                fmt::format("{}: '{}' must be {}", source, key, kind_name(setting->kind)));
  }
  values_.insert_or_assign(std::string(key), std::string(value));
  return {};
}

const std::string& Settings::text(std::string_view key) const {
  const auto it = values_.find(key);
  if (it == values_.end()) std::abort();  // a key that kSettings does not list is a bug
  return it->second;
}

std::int64_t Settings::integer(std::string_view key) const { return *parse_integer(text(key)); }

bool Settings::boolean(std::string_view key) const { return text(key) == "true"; }

std::vector<std::string> Settings::list(std::string_view key) const {
  std::vector<std::string> items;
  std::string_view rest = text(key);
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto item = rest.substr(0, comma);
    if (!item.empty()) items.emplace_back(item);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return items;
}

std::string Settings::to_toml(bool reveal) const {
  std::string out;
  std::string_view section;
  for (const auto& setting : kSettings) {
    const auto dot = setting.key.find('.');
    const auto here =
        dot == std::string_view::npos ? std::string_view{} : setting.key.substr(0, dot);
    const auto name = dot == std::string_view::npos ? setting.key : setting.key.substr(dot + 1);
    if (here != section) {
      out += fmt::format("\n[{}]\n", here);
      section = here;
    }
    std::string value;
    if (setting.secret && !reveal) {
      value = text(setting.key).empty() ? "\"\"" : "\"(set)\"";
    } else if (setting.kind == kTextList) {
      for (const auto& item : list(setting.key)) {
        value += (value.empty() ? "" : ", ") + quoted(item);
      }
      value = "[" + value + "]";
    } else {
      value = setting.kind == kText ? quoted(text(setting.key)) : text(setting.key);
    }
    out += fmt::format("# {}\n{} = {}\n", setting.help, name, value);
  }
  return out;
}

}  // namespace deployclaw::app
