// The receiving side of a connection: matches the server's answers with the pending units.
#include <libpq-fe.h>

#include <boost/asio/error.hpp>
#include <memory>

#include "db/connection.hpp"
#include "db/error.hpp"

namespace deployclaw::db {

namespace asio = boost::asio;

namespace {

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text != nullptr ? std::string_view(text) : std::string_view();
}

Error error_of(const PGresult* result, std::string_view statement) {
  return make_error(statement, field(result, PG_DIAG_SQLSTATE),
                    field(result, PG_DIAG_MESSAGE_PRIMARY), field(result, PG_DIAG_CONSTRAINT_NAME));
}

}  // namespace

// Keeps the connection alive while a read is pending. When the io_context is destroyed with the
// read still pending, the units must go too: their waiters may hold the connection in turn.
struct Connection::ReadHandler {
  explicit ReadHandler(std::shared_ptr<Connection> c) : self(std::move(c)) {}
  ReadHandler(ReadHandler&&) = default;
  ReadHandler& operator=(ReadHandler&&) = delete;
  ~ReadHandler() {
    if (self) self->abandon();
  }
  void operator()(const boost::system::error_code& error) {
    const auto connection = std::move(self);
    if (!error) return connection->on_readable();
    if (error != asio::error::operation_aborted) connection->close(error.message());
  }
  std::shared_ptr<Connection> self;
};

void Connection::wait_readable() {
  socket_.async_wait(asio::posix::descriptor_base::wait_read, ReadHandler(shared_from_this()));
}

void Connection::on_readable() {
  if (conn_ == nullptr) return;
  const bool ok = PQconsumeInput(conn_) == 1;
  take_results();
  if (conn_ == nullptr) return;
  if (!ok || PQstatus(conn_) == CONNECTION_BAD) return close(last_error());
  deliver_notifications();
  if (conn_ == nullptr) return;
  flush();
  wait_readable();
}

void Connection::take_results() {
  while (conn_ != nullptr && !units_.empty() && PQisBusy(conn_) == 0) {
    PGresult* result = PQgetResult(conn_);
    if (result != nullptr) {
      take_result(result);
    } else if (++units_.front().finished > units_.front().commands) {
      // Every command ends with one null result and the Sync has none.
      return close("answers out of step");
    }
  }
}

void Connection::take_result(PGresult* raw) {
  Rows rows(raw);
  auto& unit = units_.front();
  switch (PQresultStatus(raw)) {
    case PGRES_PIPELINE_SYNC:
      return finish_unit();
    case PGRES_PIPELINE_ABORTED:
      return;  // skipped because of the error that the unit already holds
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      unit.rows = std::move(rows);
      return;
    case PGRES_FATAL_ERROR:
      if (!unit.error) unit.error = error_of(raw, unit.name);
      return;
    default:
      // COPY and the like have no place in a pipeline.
      return close("unexpected kind of result");
  }
}

void Connection::finish_unit() {
  Unit unit = std::move(units_.front());
  units_.pop_front();
  ++first_id_;
  if (unit.error && unit.prepared) {
    const auto state = sqlstate_of(*unit.error);
    const auto forget = [&] {
      const auto found = prepared_.find(std::string(unit.name));
      if (found != prepared_.end() && found->second == unit.prepared) prepared_.erase(found);
    };
    if (unit.is_prepare) {
      unit.prepared->failure = *unit.error;
      forget();
    } else if (state == "26000" && unit.prepared->failure) {
      unit.error = unit.prepared->failure;
    } else if (state == "0A000" || state == "26000") {
      forget();  // the schema changed under the plan: prepare afresh next time
    }
  }
  if (!unit.handler) return;
  if (unit.error) return unit.handler(std::unexpected(std::move(*unit.error)));
  unit.handler(std::move(unit.rows));
}

void Connection::deliver_notifications() {
  while (conn_ != nullptr) {
    PGnotify* raw = PQnotifies(conn_);
    if (raw == nullptr) return;
    const std::unique_ptr<PGnotify, void (*)(void*)> notify(raw, PQfreemem);
    if (options_.on_notification) options_.on_notification(notify->relname, notify->extra);
  }
}

}  // namespace deployclaw::db
