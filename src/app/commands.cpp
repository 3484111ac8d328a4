#include "app/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "app/paths.hpp"
#include "db/migrate.hpp"
#include "vault/cli.hpp"

namespace deployclaw::app {
namespace {

namespace fs = std::filesystem;

struct Range {
  std::string_view key;
  std::int64_t least;
  std::int64_t most;
};
constexpr std::array kRanges{
    Range{"vault.uid", 1, 4'294'967'294},
    Range{"vault.api_uid", 1, 4'294'967'294},
    Range{"vault.orchestrator_uid", 1, 4'294'967'294},
    Range{"vault.egress_uid", 1, 4'294'967'294},
    Range{"api.hashing_threads", 1, 16},
    Range{"api.bcrypt_cost", 10, 16},
    Range{"orchestrator.parallel_starts", 1, 64},
    Range{"egress.spool_mb", 16, 65'536},
    Range{"egress.worker_idle_seconds", 5, 86'400},
    Range{"egress.request_head_seconds", 1, 86'400},
    Range{"egress.request_body_seconds", 1, 86'400},
    Range{"egress.keep_alive_seconds", 1, 86'400},
    Range{"egress.answer_head_seconds", 1, 86'400},
    Range{"egress.answer_body_seconds", 1, 86'400},
    Range{"egress.tunnel_seconds", 1, 86'400},
    Range{"egress.approval_hold_seconds", 1, 3'600},
    Range{"egress.approval_seconds", 2, 604'800},
    Range{"egress.first_worker_uid", 65'536, 4'294'900'000},
};

// The catalogue of an installed program (share/deployclaw/catalog), or that of the checkout it was
// built in (build/<preset>/deployclaw).
std::string find_catalog() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& candidate : {program.parent_path() / "../share/deployclaw/catalog",
                                    program.parent_path() / "../../catalog"}) {
    const auto found = fs::canonical(candidate, error);
    if (!error && fs::is_directory(found / "runtimes")) return found.string();
  }
  return {};
}

// The built pages beside the catalogue (share/deployclaw/web, or web/dist of the checkout); empty
// when there are none.
std::string find_web(const fs::path& catalog) {
  std::error_code error;
  for (const fs::path& candidate : {catalog / "../web/dist", catalog / "../web"}) {
    const auto found = fs::canonical(candidate, error);
    if (!error && fs::is_regular_file(found / "app.html", error)) return found.string();
  }
  return {};
}

bool is_address_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto port = text.substr(colon + 1);
  return port.size() <= 5 &&
         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoi(std::string(port)) <= 65535;
}

// Passwords belong into passfiles: the settings are handed to roles and may be printed.
bool holds_password(std::string_view url) {
  if (url.find("password=") != std::string_view::npos) return true;
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  const auto authority = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
  const auto at = authority.rfind('@');
  return at != std::string_view::npos &&
         authority.substr(0, at).find(':') != std::string_view::npos;
}

}  // namespace

std::string_view version() { return DEPLOYCLAW_VERSION; }

Status complete(Settings& settings) {
  for (const auto& [key, least, most] : kRanges) {
    const auto value = settings.integer(key);
    if (value < least || value > most) {
      return fail(Code::kInvalid,
                  fmt::format("{} is {}, it must be {} to {}", key, value, least, most));
    }
  }
  for (const std::string_view key :
       {"api.listen", "api.internal_listen", "orchestrator.listen", "egress.listen"}) {
    if (!is_address_and_port(settings.text(key))) {
      return fail(Code::kInvalid,
                  fmt::format("{} is '{}', it must be address:port", key, settings.text(key)));
    }
  }
  constexpr std::array kLevels{"debug", "info", "warn", "error"};
  if (std::ranges::find(kLevels, settings.text("log_level")) == kLevels.end()) {
    return fail(Code::kInvalid,
                fmt::format("log_level is '{}', it must be debug, info, warn or error",
                            settings.text("log_level")));
  }
  const auto& unknown = settings.text("models.unknown");
  if (unknown != "dearest" && unknown != "refuse") {
    return fail(Code::kInvalid,
                fmt::format("models.unknown is '{}', it must be dearest or refuse", unknown));
  }
  if (!settings.text("docker.host").starts_with("unix:///")) {
    return fail(Code::kInvalid, "docker.host must be a unix socket: unix:///path");
  }
  const auto& url = settings.text("database.url");
  if (!url.empty() && !url.starts_with("postgresql://") && !url.starts_with("postgres://")) {
    return fail(Code::kInvalid, "database.url must begin with postgresql://");
  }
  if (holds_password(url)) {
    return fail(
        Code::kInvalid,
        "database.url must not hold a password: put one <role>.pgpass file for each database "
        "role into the folder database.passfile_dir");
  }
  if (settings.text("catalog_dir").empty()) {
    if (auto set = settings.set("catalog_dir", find_catalog(), "default"); !set) return set;
  }
  if (settings.text("web.root").empty()) {
    const auto found = find_web(settings.text("catalog_dir"));
    if (auto set = settings.set("web.root", found, "default"); !set) return set;
  }
  if (settings.text("orchestrator.host_name").empty()) {
    std::array<char, 65> name{};
    gethostname(name.data(), name.size() - 1);
    return settings.set("orchestrator.host_name", name.data(), "default");
  }
  return {};
}

int migrate(const Settings& settings, bool status_only) {
  const auto& url = settings.text("database.url");
  if (url.empty()) {
    fmt::print(stderr,
               "deployclaw migrate: set DATABASE_URL (or database.url) to the database, with a "
               "user who may create roles; `deployclaw up` migrates its private one itself\n");
    return 2;
  }
  if (status_only) {
    const auto rows = db::migration_status(url);
    if (!rows) {
      fmt::print(stderr, "deployclaw migrate: {}\n", rows.error().message);
      return 1;
    }
    for (const auto& row : *rows) {
      fmt::print("{:24} {}\n", row.name, row.applied ? "applied " + row.applied_at : "pending");
    }
    return 0;
  }
  const auto report = db::migrate(url);
  if (!report) {
    fmt::print(stderr, "deployclaw migrate: {}\n", report.error().message);
    return 1;
  }
  for (const auto& name : report->applied) fmt::print("applied {}\n", name);
  fmt::print("the schema is at version {}\n", report->version);
  return 0;
}

namespace {

// The vault's socket as configured, or that of the platform `up` runs on this home.
std::string vault_socket(const Settings& settings) {
  if (!settings.text("vault.socket").empty()) return settings.text("vault.socket");
  const auto paths = locate(settings.text("home").empty() ? "var" : settings.text("home"));
  return paths ? paths->vault_socket() : "";
}

}  // namespace

int vault_status(const Settings& settings, bool json) {
  return vault::run_status(vault_socket(settings), json);
}

int vault_rotate(const Settings& settings, bool json) {
  return vault::run_rotate(vault_socket(settings), json);
}

}  // namespace deployclaw::app
