#include "db/testing/postgres.hpp"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/encoding.hpp"
#include "db/migrate.hpp"

namespace deployclaw::db::testing {

namespace fs = std::filesystem;

namespace {

constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin/";
constexpr const char* kDatabase = "deployclaw";
// Part of the template's name: change it when the way a template is made changes.
constexpr const char* kTemplateFormat = "2";

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "test database: %s\n", why.c_str());
  std::abort();
}

// PostgreSQL refuses to run as root: then it gets the distribution's postgres user.
struct Owner {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  Owner() {
    if (uid != 0) return;
    const passwd* user = getpwnam("postgres");
    if (user == nullptr) die("running as root and there is no user postgres");
    uid = user->pw_uid;
    gid = user->pw_gid;
  }
};

const Owner& owner() {
  static const Owner instance;
  return instance;
}

// Forks and executes as owner(), output to `log`. The child dies with this process.
pid_t spawn(const std::vector<std::string>& arguments, const std::string& log) {
  const auto [uid, gid] = std::pair(owner().uid, owner().gid);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) die("fork failed");
  if (pid > 0) return pid;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(gid) != 0 || setuid(uid) != 0)) {
    _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (chdir("/") != 0) _exit(126);
  setenv("LC_ALL", "C.UTF-8", 1);
  execv(argv[0], argv.data());
  _exit(127);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void must_run(const std::vector<std::string>& arguments, const std::string& log) {
  if (wait_for(spawn(arguments, log)) != 0) die(arguments[0] + " failed: " + read_file(log));
}

std::string conninfo_at(const std::string& socket, std::string_view role,
                        std::string_view database) {
  return "host=" + socket + " user=" + std::string(role) + " dbname=" + std::string(database);
}

// Starts a server on root/data with its socket in root, and waits until it answers.
pid_t start_server(const std::string& root) {
  const std::string log = root + "/log";
  const pid_t pid = spawn({std::string(kBinaries) + "postgres",
                           "-D",
                           root + "/data",
                           "-k",
                           root,
                           "-c",
                           "listen_addresses=",
                           "-c",
                           "fsync=off",
                           "-c",
                           "synchronous_commit=off",
                           "-c",
                           "full_page_writes=off",
                           "-c",
                           "shared_buffers=32MB",
                           "-c",
                           "max_connections=100",
                           "-c",
                           "autovacuum=off",
                           "-c",
                           "log_min_messages=error"},
                          log);
  const auto info = conninfo_at(root, "postgres", "postgres") + " connect_timeout=2";
  for (int i = 0; i < 3000; ++i) {
    if (PQping(info.c_str()) == PQPING_OK) return pid;
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) die("server ended: " + read_file(log));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  die("server does not answer: " + read_file(log));
}

std::string template_key() {
  std::string all = kTemplateFormat;
  for (const auto& migration : embedded_migrations()) {
    all += migration.name + '\0' + migration.sql + '\0';
  }
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  return hex_encode(std::span(digest).first(8));
}

void give_to_owner(const std::string& path) {
  if (chown(path.c_str(), owner().uid, owner().gid) != 0) die("chown " + path);
}

std::string run_sql(const std::string& info, std::string_view sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> session(PQconnectdb(info.c_str()), PQfinish);
  PQsetNoticeReceiver(session.get(), [](void*, const PGresult*) {}, nullptr);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
      PQexec(session.get(), std::string(sql).c_str()), PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    die(std::string(sql) + ": " + PQerrorMessage(session.get()));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

// An initialised, migrated and stopped cluster at `path`/data.
void make_template(const std::string& path) {
  const std::string work = path + ".new";
  fs::remove_all(work);
  fs::create_directory(work);
  give_to_owner(work);
  must_run({std::string(kBinaries) + "initdb", "-D", work + "/data", "-U", "postgres", "-A",
            "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=4"},
           work + "/log");
  const pid_t server = start_server(work);
  run_sql(conninfo_at(work, "postgres", "postgres"), std::string("create database ") + kDatabase);
  const auto report = migrate(conninfo_at(work, "postgres", kDatabase));
  kill(server, SIGINT);
  wait_for(server);
  if (!report) die(report.error().message);
  fs::rename(work, path);
}

// The template's path; made by the first process that needs it while the others wait.
std::string ensure_template() {
  const std::string path = fs::temp_directory_path() / ("deployclaw-pg-" + template_key());
  const std::string lock_path = path + ".lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) die("cannot lock " + lock_path);
  if (!fs::exists(path)) make_template(path);
  close(lock);
  return path;
}

}  // namespace

Postgres& Postgres::shared() {
  static Postgres instance;
  return instance;
}

Postgres::Postgres() {
  const auto source = ensure_template();
  std::string pattern = fs::temp_directory_path() / "deployclaw-test-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) die("mkdtemp " + pattern);
  root_ = pattern;
  // The sockets must be reachable by processes of other users, which some tests start.
  fs::permissions(root_, fs::perms(0755));
  give_to_owner(root_);
  const std::vector<std::string> copy = {"/bin/cp", "-a", "--reflink=auto", source + "/data",
                                         root_ + "/data"};
  must_run(copy, root_ + "/log");
  start();
}

Postgres::~Postgres() {
  stop();
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void Postgres::start() {
  if (postmaster_ == 0) postmaster_ = start_server(root_);
}

void Postgres::stop() {
  if (postmaster_ == 0) return;
  ::kill(postmaster_, SIGQUIT);
  wait_for(std::exchange(postmaster_, 0));
}

void Postgres::kill() {
  if (postmaster_ == 0) return;
  const auto pid = std::to_string(postmaster_);
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  std::vector<pid_t> all{postmaster_};
  for (pid_t child = 0; children >> child;) all.push_back(child);
  for (const pid_t process : all) ::kill(process, SIGKILL);
  wait_for(std::exchange(postmaster_, 0));
}

std::string Postgres::conninfo(std::string_view role) const { return conninfo(role, kDatabase); }

std::string Postgres::conninfo(std::string_view role, std::string_view database) const {
  return conninfo_at(root_, role, database);
}

std::string Postgres::create_database(std::string_view name) {
  const auto quoted = "\"" + std::string(name) + "\"";
  run_sql(conninfo("postgres", "postgres"), "drop database if exists " + quoted + " with (force)");
  run_sql(conninfo("postgres", "postgres"), "create database " + quoted);
  return conninfo("postgres", name);
}

std::string Postgres::run(std::string_view sql) { return run_sql(conninfo("postgres"), sql); }

void Postgres::reset() {
  // As a replica: no foreign keys to obey, and the audit log's guards stand aside.
  run(R"(
    set session_replication_role = replica;
    do $$ declare t regclass; begin
      for t in select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname in ('public', 'auth', 'audit', 'waitlist') and c.relkind in ('r', 'p')
                 and not c.relispartition and c.relname not in ('deployclaw_migrations', 'platform')
      loop execute format('delete from %s', t); end loop;
    end $$)");
}

}  // namespace deployclaw::db::testing
