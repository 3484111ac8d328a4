#pragma once

#include <string>
#include <string_view>

namespace deployclaw::db::testing {

// A throw-away PostgreSQL cluster with the embedded migrations applied: unix socket only, trust
// authentication, fsync off. Started at first use, one per test process, stopped and removed at
// exit. An initialised and migrated template is cached under the temporary directory by the hash
// of the migrations, so that a start takes well under a second. Aborts the test program with the
// reason when it cannot be started.
class Postgres {
 public:
  // The cluster of this process, running.
  static Postgres& shared();

  // Connection string for a database role: "deployclaw_api", "deployclaw_orchestrator", …, or
  // "postgres", the superuser. `database` is the migrated one unless named.
  [[nodiscard]] std::string conninfo(std::string_view role) const;
  [[nodiscard]] std::string conninfo(std::string_view role, std::string_view database) const;

  // Creates an empty database (dropped before if it exists) and returns its superuser conninfo.
  std::string create_database(std::string_view name);

  // Runs SQL as the superuser in the migrated database, several statements allowed; returns the
  // last result's first column of the first row, or "". Aborts on an error. Blocks.
  std::string run(std::string_view sql);

  // Empties every table of the application, so that a test starts afresh.
  void reset();

  // SIGKILLs the server and all its backends, as a crash would; start() brings it back.
  void kill();
  // Starts the server and waits until it answers; does nothing when it runs.
  void start();

  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

 private:
  Postgres();
  ~Postgres();
  void stop();

  std::string root_;    // holds data/ and the socket
  int postmaster_ = 0;  // pid, 0 when stopped
};

}  // namespace deployclaw::db::testing
