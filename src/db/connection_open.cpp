#include <libpq-fe.h>

#include <array>

#include "base/await.hpp"
#include "base/log.hpp"
#include "db/connection.hpp"

namespace deployclaw::db {

namespace asio = boost::asio;

namespace {

// libpq's default prints notices to stderr, past our log.
void on_notice(void* /*context*/, const PGresult* result) {
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  log::debug("database notice", {{"text", text != nullptr ? text : ""}});
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// The settings that the row getters and the timeouts rely on, after what the conninfo asks for.
std::string server_options(const ConnectionOptions& options) {
  std::string out;
  PQconninfoOption* parsed = PQconninfoParse(options.conninfo.c_str(), nullptr);
  for (auto* o = parsed; o != nullptr && o->keyword != nullptr; ++o) {
    if (std::string_view(o->keyword) == "options" && o->val != nullptr) out = o->val;
  }
  PQconninfoFree(parsed);
  out += " -c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c intervalstyle=iso_8601";
  out += " -c statement_timeout=" + std::to_string(options.statement_timeout.count());
  // A server process notices within 2 s that its client is gone and stops its query.
  out += " -c client_connection_check_interval=2000";
  return out;
}

PGconn* start(const ConnectionOptions& options) {
  const std::string session = server_options(options);
  const std::array keywords = {"dbname", "options", "client_encoding", "fallback_application_name",
                               static_cast<const char*>(nullptr)};
  const std::array values = {options.conninfo.c_str(), session.c_str(), "UTF8",
                             options.application_name.c_str(), static_cast<const char*>(nullptr)};
  return PQconnectStartParams(keywords.data(), values.data(), 1);
}

}  // namespace

Connection::Connection(Private, asio::any_io_executor executor, ConnectionOptions options)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      socket_(executor_),
      deadline_timer_(executor_),
      closed_(executor_, asio::steady_timer::time_point::max()) {}

Connection::~Connection() {
  if (socket_.is_open()) socket_.release();
  PQfinish(conn_);
}

std::string Connection::last_error() const { return trimmed(PQerrorMessage(conn_)); }

Task<Result<std::shared_ptr<Connection>>> Connection::open(asio::any_io_executor executor,
                                                           ConnectionOptions options,
                                                           std::chrono::milliseconds timeout) {
  auto connection = std::make_shared<Connection>(Private{}, executor, std::move(options));
  const auto deadline = Clock::now() + timeout;
  const auto status = co_await connection->connect(deadline);
  if (!status) {
    connection->close();
    co_return context("connect to the database", status.error());
  }
  connection->wait_readable();
  co_return connection;
}

Task<Status> Connection::connect(Clock::time_point deadline) {
  conn_ = start(options_);
  if (conn_ == nullptr) co_return fail(Code::kInternal, "libpq: out of memory");
  PQsetNoticeReceiver(conn_, on_notice, nullptr);

  asio::steady_timer timer(executor_, deadline);
  const auto late = std::make_shared<bool>(false);
  auto on_time = [weak = weak_from_this(), late](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    *late = true;
    boost::system::error_code ignored;
    self->socket_.cancel(ignored);
  };
  timer.async_wait(on_time);

  auto poll = PGRES_POLLING_WRITING;
  while (PQstatus(conn_) != CONNECTION_BAD && poll != PGRES_POLLING_OK) {
    // libpq may change its socket between two polls (next address), even to one of the same number.
    socket_.assign(PQsocket(conn_));
    const auto what = poll == PGRES_POLLING_READING ? asio::posix::descriptor_base::wait_read
                                                    : asio::posix::descriptor_base::wait_write;
    const auto [error] = co_await socket_.async_wait(what, kAwait);
    socket_.release();
    if (*late) co_return fail(Code::kTimeout, "no answer in time");
    if (error) co_return fail(Code::kCancelled, "cancelled");
    poll = PQconnectPoll(conn_);
    if (poll == PGRES_POLLING_FAILED) break;
  }
  timer.cancel();
  if (PQstatus(conn_) != CONNECTION_OK) co_return fail(Code::kUnavailable, last_error());
  co_return enter_pipeline();
}

Status Connection::enter_pipeline() {
  if (PQsetnonblocking(conn_, 1) != 0 || PQenterPipelineMode(conn_) != 1) {
    return fail(Code::kInternal, last_error());
  }
  socket_.assign(PQsocket(conn_));
  return {};
}

}  // namespace deployclaw::db
