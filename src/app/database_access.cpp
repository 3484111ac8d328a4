#include "app/database_access.hpp"

#include <fmt/format.h>

namespace deployclaw::app {

std::string role_conninfo(const Settings& settings, std::string_view role) {
  const auto& url = settings.text("database.url");
  const char separator = url.find('?') == std::string::npos ? '?' : '&';
  std::string conninfo = fmt::format("{}{}user={}", url, separator, role);
  if (const auto& folder = settings.text("database.passfile_dir"); !folder.empty()) {
    conninfo += fmt::format("&passfile={}/{}.pgpass", folder, role);
  }
  return conninfo;
}

}  // namespace deployclaw::app
