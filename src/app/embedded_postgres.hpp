#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/paths.hpp"
#include "app/supervisor.hpp"
#include "base/result.hpp"

namespace deployclaw::app {

using Progress = std::function<void(const std::string&)>;

// The private PostgreSQL of `deployclaw up`: data in <home>/postgres, unix socket only, passwords
// (scram) in <home>/secrets. Blocking; needs root, because PostgreSQL refuses to run as root and
// gets the uid of Debian's `postgres` user.
class EmbeddedPostgres {
 public:
  explicit EmbeddedPostgres(const Paths& paths) : paths_(paths) {}

  // Creates the cluster on first use.
  Status prepare(const Progress& progress);
  [[nodiscard]] Service service() const;
  // Whether the server answers.
  [[nodiscard]] bool answers() const;
  // Creates the database, runs the migrations, sets every role's password and hands the password
  // files out. Call when it answers.
  Status initialise(const Progress& progress);
  // Connection URL without user or password, for `database.url`.
  [[nodiscard]] std::string url() const;

 private:
  Paths paths_;
};

// The login roles of migrations/0001_roles.sql.
std::vector<std::string> database_roles();

}  // namespace deployclaw::app
