#include "db/migrate.hpp"

#include <libpq-fe.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>

#include "base/encoding.hpp"
#include "db/error.hpp"
#include "db/rows.hpp"

namespace deployclaw::db {

namespace {

using Session = std::unique_ptr<PGconn, void (*)(PGconn*)>;

constexpr const char* kCreateTable =
    "create table if not exists deployclaw_migrations ("
    " version integer primary key, name text not null, checksum text not null,"
    " applied_at timestamptz not null default now());"
    // Every role may ask which version it meets (for /readyz).
    "grant select (version) on deployclaw_migrations to public";
// One migrator at a time, for the whole session.
constexpr const char* kLock = "select pg_advisory_lock(hashtextextended('deployclaw.migrate', 0))";

struct Applied {
  std::string name;
  std::string checksum;
  std::string at;
};

struct Planned {
  int version;
  const Migration* migration;
  std::string checksum;
};

std::string checksum_of(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return hex_encode(digest);
}

Result<std::vector<Planned>> plan(const std::vector<Migration>& migrations) {
  std::vector<Planned> out;
  for (const auto& migration : migrations) {
    int version = 0;
    const auto* begin = migration.name.data();
    const auto [end, error] = std::from_chars(begin, begin + migration.name.size(), version);
    if (error != std::errc() || version <= 0 || *end != '_') {
      return fail(Code::kInternal, "migration without a version: " + migration.name);
    }
    out.push_back({version, &migration, checksum_of(migration.sql)});
  }
  std::ranges::sort(out, {}, &Planned::version);
  const auto twice = std::ranges::adjacent_find(out, {}, &Planned::version);
  if (twice != out.end()) {
    return fail(Code::kInternal, "two migrations of one version: " + twice->migration->name);
  }
  return out;
}

Result<Session> connect(const std::string& conninfo) {
  Session session(PQconnectdb(conninfo.c_str()), PQfinish);
  if (PQstatus(session.get()) != CONNECTION_OK) {
    std::string why = PQerrorMessage(session.get());
    while (why.ends_with('\n')) why.pop_back();
    return fail(Code::kUnavailable, "connect to the database: " + why);
  }
  // "table exists, skipping" and the like are of no interest.
  PQsetNoticeReceiver(session.get(), [](void*, const PGresult*) {}, nullptr);
  return session;
}

// The line (from 1) of a character position (from 1) in `sql`; 0 when unknown.
std::size_t line_of(std::string_view sql, std::string_view position) {
  std::size_t at = 0;
  std::from_chars(position.data(), position.data() + position.size(), at);
  if (at == 0) return 0;
  return 1 + static_cast<std::size_t>(
                 std::ranges::count(sql.substr(0, std::min(at - 1, sql.size())), '\n'));
}

Result<Rows> checked(PGresult* raw, std::string_view what, std::string_view sql) {
  Rows rows(raw);
  const auto status = PQresultStatus(raw);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return rows;
  const auto field = [raw](int code) {
    const char* text = PQresultErrorField(raw, code);
    return std::string_view(text != nullptr ? text : "");
  };
  std::string where(what);
  const auto line = line_of(sql, field(PG_DIAG_STATEMENT_POSITION));
  if (line > 0) where += ":" + std::to_string(line);
  if (field(PG_DIAG_SQLSTATE).empty()) {
    return fail(Code::kUnavailable, where + ": " + PQresultErrorMessage(raw));
  }
  return std::unexpected(make_error(where, field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY),
                                    field(PG_DIAG_CONSTRAINT_NAME)));
}

Result<Rows> execute(PGconn* session, std::string_view what, const std::string& sql) {
  return checked(PQexec(session, sql.c_str()), what, sql);
}

Result<std::map<int, Applied>> read_applied(PGconn* session) {
  auto exists = execute(session, "look for deployclaw_migrations",
                        "select to_regclass('deployclaw_migrations') is not null");
  if (!exists) return std::unexpected(exists.error());
  std::map<int, Applied> out;
  if (!exists->front().boolean(0)) return out;
  auto rows = execute(session, "read deployclaw_migrations",
                      "select version, name, checksum, to_char(applied_at at time zone 'utc',"
                      " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from deployclaw_migrations");
  if (!rows) return std::unexpected(rows.error());
  for (const Row row : *rows) {
    out[static_cast<int>(row.int64(0))] = {row.string(1), row.string(2), row.string(3)};
  }
  return out;
}

// Refuses a history that this binary did not write.
Status compare(const std::map<int, Applied>& applied, const std::vector<Planned>& known) {
  for (const auto& [version, was] : applied) {
    const auto found = std::ranges::find(known, version, &Planned::version);
    if (found == known.end()) {
      return fail(Code::kUnsupported, "the database has migration " + was.name +
                                          ", which this program does not know: it was migrated by"
                                          " a newer one. Run that one, or restore a backup.");
    }
    if (found->checksum != was.checksum) {
      return fail(Code::kCorrupt, "migration " + was.name +
                                      " has changed since it was applied: an applied file must"
                                      " stay as it is, put the change into a new file.");
    }
  }
  return {};
}

Status apply(PGconn* session, const Planned& planned) {
  const auto& name = planned.migration->name;
  const auto begun = execute(session, name, "begin");
  if (!begun) return std::unexpected(begun.error());
  const auto done = execute(session, name, planned.migration->sql);
  if (!done) {
    execute(session, name, "rollback");
    return std::unexpected(done.error());
  }
  // The file may have changed the role; the bookkeeping belongs to whoever connected.
  const auto reset = execute(session, name, "reset role");
  if (!reset) return std::unexpected(reset.error());
  const auto version = std::to_string(planned.version);
  const std::array values = {version.c_str(), name.c_str(), planned.checksum.c_str()};
  const auto noted =
      checked(PQexecParams(
                  session,
                  "insert into deployclaw_migrations (version, name, checksum) values ($1, $2, $3)",
                  3, nullptr, values.data(), nullptr, nullptr, 0),
              name, "");
  if (!noted) {
    execute(session, name, "rollback");
    return std::unexpected(noted.error());
  }
  const auto committed = execute(session, name, "commit");
  if (!committed) return std::unexpected(committed.error());
  if (committed->command() != "COMMIT") return fail(Code::kInternal, name + ": rolled back");
  return {};
}

}  // namespace

Result<MigrationReport> migrate(const std::string& conninfo,
                                const std::vector<Migration>& migrations) {
  const auto known = plan(migrations);
  if (!known) return std::unexpected(known.error());
  const auto session = connect(conninfo);
  if (!session) return std::unexpected(session.error());
  for (const char* sql : {kLock, kCreateTable}) {
    const auto done = execute(session->get(), "prepare to migrate", sql);
    if (!done) return std::unexpected(done.error());
  }
  const auto applied = read_applied(session->get());
  if (!applied) return std::unexpected(applied.error());
  const auto same = compare(*applied, *known);
  if (!same) return std::unexpected(same.error());

  MigrationReport report;
  for (const auto& planned : *known) {
    report.version = planned.version;
    if (applied->contains(planned.version)) continue;
    const auto done = apply(session->get(), planned);
    if (!done) return context("migrate", done.error());
    report.applied.push_back(planned.migration->name);
  }
  return report;
}

Result<MigrationReport> migrate(const std::string& conninfo) {
  return migrate(conninfo, embedded_migrations());
}

Result<std::vector<MigrationStatus>> migration_status(const std::string& conninfo,
                                                      const std::vector<Migration>& migrations) {
  const auto known = plan(migrations);
  if (!known) return std::unexpected(known.error());
  const auto session = connect(conninfo);
  if (!session) return std::unexpected(session.error());
  const auto applied = read_applied(session->get());
  if (!applied) return std::unexpected(applied.error());
  const auto same = compare(*applied, *known);
  if (!same) return std::unexpected(same.error());
  std::vector<MigrationStatus> out;
  for (const auto& planned : *known) {
    const auto found = applied->find(planned.version);
    const bool done = found != applied->end();
    out.push_back({.version = planned.version,
                   .name = planned.migration->name,
                   .applied = done,
                   .applied_at = done ? found->second.at : ""});
  }
  return out;
}

Result<std::vector<MigrationStatus>> migration_status(const std::string& conninfo) {
  return migration_status(conninfo, embedded_migrations());
}

}  // namespace deployclaw::db
