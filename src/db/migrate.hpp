#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::db {

// One file of migrations/: "0002_audit.sql". The digits before the first '_' are its version.
struct Migration {
  std::string name;
  std::string sql;
};

// The files the binary carries, in order of version.
std::vector<Migration> embedded_migrations();

struct MigrationStatus {
  int version = 0;
  std::string name;
  bool applied = false;
  std::string applied_at;  // empty when pending
};

struct MigrationReport {
  std::vector<std::string> applied;  // names, in order; empty when there was nothing to do
  int version = 0;                   // the schema's version now
};

// Brings the database at `conninfo` to the newest embedded version. Each file runs in a transaction
// of its own together with its row in deployclaw_migrations(version, name, checksum, applied_at);
// an advisory lock lets one migrator in at a time. Blocks: it is a command-line step, call it from
// a thread that may wait. The connected user must own the database or be a superuser; creating the
// roles additionally needs CREATEROLE, unless they already exist.
// Errors: kCorrupt when an applied file's text has changed, kUnsupported when the database holds a
// version this binary does not know, kUnavailable without a server, otherwise as db/error.hpp with
// the file's name and line.
Result<MigrationReport> migrate(const std::string& conninfo);
Result<MigrationReport> migrate(const std::string& conninfo,
                                const std::vector<Migration>& migrations);

// What is applied and what is pending, without changing anything. Blocks.
Result<std::vector<MigrationStatus>> migration_status(const std::string& conninfo);
Result<std::vector<MigrationStatus>> migration_status(const std::string& conninfo,
                                                      const std::vector<Migration>& migrations);

}  // namespace deployclaw::db
