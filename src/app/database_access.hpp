#pragma once

#include <string>
#include <string_view>

#include "app/settings.hpp"

namespace deployclaw::app {

// What a role connects to the database with: database.url as the database role `role`, whose
// password libpq takes from <database.passfile_dir>/<role>.pgpass.
std::string role_conninfo(const Settings& settings, std::string_view role);

}  // namespace deployclaw::app
