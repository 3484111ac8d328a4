#include "app/embedded_postgres.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>

#include "base/random.hpp"
#include "base/secret.hpp"
#include "db/migrate.hpp"

namespace deployclaw::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBinaries = "/usr/lib/postgresql/15/bin";
constexpr std::string_view kDatabase = "deployclaw";
constexpr std::string_view kSuperuser = "postgres";

// A unix socket only, and a password for every connection, root's included.
constexpr std::string_view kHba = "local all all scram-sha-256\n";

constexpr std::string_view kSettings =
    R"(# Written by deployclaw; change it in postgresql.local.conf.
listen_addresses = ''
password_encryption = 'scram-sha-256'
max_connections = 60
shared_buffers = '64MB'
logging_collector = off
log_min_messages = warning
# Statements may carry tenants' data: never log them, nor their parameters.
log_statement = none
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
include_if_exists = 'postgresql.local.conf'
)";

Result<passwd> postgres_user() {
  const passwd* user = getpwnam("postgres");
  if (user == nullptr) {
    return fail(Code::kUnavailable,
                "no user 'postgres': install Debian's package postgresql-15, or set database.url");
  }
  return *user;
}

struct ConnectionCloser {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultClearer {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;

Result<Connection> connect(const std::string& conninfo) {
  Connection connection(PQconnectdb(conninfo.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return fail(Code::kUnavailable, PQerrorMessage(connection.get()));
  }
  return connection;
}

Result<std::string> run(PGconn* connection, const std::string& sql) {
  const std::unique_ptr<PGresult, ResultClearer> result(PQexec(connection, sql.c_str()));
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    return fail(Code::kUnavailable, PQresultErrorMessage(result.get()));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

// The stored password of `role`, made at first use. Kept by root in <home>/secrets.
Result<Secret> password_of(const Paths& paths, std::string_view role) {
  const std::string path = fmt::format("{}/secrets/{}.password", paths.home, role);
  if (auto stored = read_file(path)) return Secret::take(std::move(*stored));
  auto fresh = Secret::take(random_token(24));
  if (auto written = write_file(path, fresh.expose_text(), 0, 0, 0600); !written) {
    return fail(written.error());
  }
  return fresh;
}

Status set_password(PGconn* connection, std::string_view role, const Secret& password) {
  // Encrypted here, so that the server's log and statistics never see the plain one.
  const std::string plain(password.expose_text());
  char* verifier =
      PQencryptPasswordConn(connection, plain.c_str(), std::string(role).c_str(), "scram-sha-256");
  if (verifier == nullptr) return fail(Code::kUnavailable, PQerrorMessage(connection));
  const auto done = run(connection, fmt::format("ALTER ROLE {} PASSWORD '{}'", role, verifier));
  PQfreemem(verifier);
  if (!done) return fail(done.error());
  return {};
}

uid_t owner_of(std::string_view role) {
  // Uids of the roles as `up` starts them; other roles' files are root's.
  if (role == "deployclaw_api") return 64202;
  if (role == "deployclaw_orchestrator") return 64203;
  if (role == "deployclaw_egress") return 64204;
  return 0;
}

Status write_passfile(const Paths& paths, std::string_view role, const Secret& password,
                      uid_t owner) {
  std::string line = fmt::format("*:*:*:{}:{}\n", role, password.expose_text());
  const auto path = fmt::format("{}/{}.pgpass", paths.passfiles(), role);
  auto written = write_file(path, line, owner, owner, 0600);
  wipe_string(line);
  return written;
}

ChildSpec tool(const Paths& paths, const passwd& user, std::string_view program,
               std::vector<std::string> arguments) {
  return ChildSpec{.name = std::string(program),
                   .program = fmt::format("{}/{}", kBinaries, program),
                   .arguments = std::move(arguments),
                   .environment = {"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"},
                   .log_path = paths.log("postgres"),
                   .uid = user.pw_uid,
                   .gid = user.pw_gid};
}

}  // namespace

std::vector<std::string> database_roles() {
  return {"deployclaw_api", "deployclaw_orchestrator", "deployclaw_egress", "deployclaw_retention",
          "deployclaw_readonly"};
}

std::string EmbeddedPostgres::url() const {
  return fmt::format("postgresql:///{}?host={}", kDatabase, paths_.postgres_directory());
}

Status EmbeddedPostgres::prepare(const Progress& progress) {
  const auto user = postgres_user();
  if (!user) return fail(user.error());
  if (access(fmt::format("{}/postgres", kBinaries).c_str(), X_OK) != 0) {
    return fail(Code::kUnavailable, fmt::format("no PostgreSQL 15 in {}: install Debian's package "
                                                "postgresql-15, or set database.url",
                                                kBinaries));
  }
  for (const auto& [path, mode] : {std::pair{paths_.home + "/postgres", mode_t{0700}},
                                   std::pair{paths_.postgres_directory(), mode_t{0755}}}) {
    if (auto made = make_directory(path, user->pw_uid, user->pw_gid, mode); !made) return made;
  }
  if (auto made = make_directory(paths_.home + "/secrets", 0, 0, 0700); !made) return made;
  if (auto made = make_directory(paths_.passfiles(), 0, 0, 0711); !made) return made;

  const std::string data = paths_.home + "/postgres/data";
  if (!fs::exists(data + "/PG_VERSION")) {
    progress("creating the database cluster");
    const auto password = password_of(paths_, kSuperuser);
    if (!password) return fail(password.error());
    const std::string password_file = paths_.run + "/initdb.password";
    if (auto written =
            write_file(password_file, password->expose_text(), user->pw_uid, user->pw_gid, 0600);
        !written) {
      return written;
    }
    // A cluster that was cut off in the middle has no PG_VERSION yet: begin again.
    fs::remove_all(data);
    auto initdb = tool(paths_, *user, "initdb",
                       {"--pgdata=" + paths_.shared_home + "/postgres/data", "--username=postgres",
                        "--auth=scram-sha-256", "--pwfile=" + password_file, "--encoding=UTF8",
                        "--locale=C.UTF-8", "--data-checksums"});
    const auto code = run_child(initdb);
    fs::remove(password_file);
    if (!code) return fail(code.error());
    if (*code != 0) {
      return fail(Code::kUnavailable,
                  fmt::format("initdb failed with code {}; see {}", *code, paths_.log("postgres")));
    }
  }
  const auto owner = user->pw_uid;
  if (auto done = write_file(data + "/pg_hba.conf", kHba, owner, user->pw_gid, 0600); !done) {
    return done;
  }
  return write_file(data + "/postgresql.conf", kSettings, owner, user->pw_gid, 0600);
}

Service EmbeddedPostgres::service() const {
  const auto user = postgres_user();
  auto child =
      tool(paths_, *user, "postgres",
           {"-D", paths_.shared_home + "/postgres/data", "-k", paths_.postgres_directory()});
  child.name = "postgres";
  child.death_signal = SIGINT;
  // SIGINT is PostgreSQL's fast shutdown: sessions end, data is safe.
  return Service{
      .child = std::move(child), .stop_signal = SIGINT, .grace = std::chrono::seconds(60)};
}

bool EmbeddedPostgres::answers() const {
  return PQping(fmt::format("host={} dbname=postgres", paths_.postgres_directory()).c_str()) ==
         PQPING_OK;
}

Status EmbeddedPostgres::initialise(const Progress& progress) {
  const auto superuser = password_of(paths_, kSuperuser);
  if (!superuser) return fail(superuser.error());
  if (auto written = write_passfile(paths_, kSuperuser, *superuser, 0); !written) return written;
  const auto admin = [&](std::string_view database) {
    return fmt::format("host={} dbname={} user={} passfile={}/{}.pgpass",
                       paths_.postgres_directory(), database, kSuperuser, paths_.passfiles(),
                       kSuperuser);
  };

  auto connection = connect(admin("postgres"));
  if (!connection) return context("connect to the private PostgreSQL", connection.error());
  const auto exists =
      run(connection->get(),
          fmt::format("SELECT count(*) FROM pg_database WHERE datname = '{}'", kDatabase));
  if (!exists) return fail(exists.error());
  if (*exists == "0") {
    if (auto made = run(connection->get(), fmt::format("CREATE DATABASE {}", kDatabase)); !made) {
      return fail(made.error());
    }
  }
  const auto report = db::migrate(admin(kDatabase));
  if (!report) return context("migrate", report.error());
  for (const auto& name : report->applied) progress("migration " + name);

  for (const auto& role : database_roles()) {
    const auto password = password_of(paths_, role);
    if (!password) return fail(password.error());
    if (auto set = set_password(connection->get(), role, *password); !set) {
      return context("set the password of " + role, set.error());
    }
    if (auto written = write_passfile(paths_, role, *password, owner_of(role)); !written) {
      return written;
    }
  }
  return {};
}

}  // namespace deployclaw::app
