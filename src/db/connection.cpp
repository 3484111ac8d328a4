#include "db/connection.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "db/error.hpp"

namespace deployclaw::db {

namespace asio = boost::asio;

namespace {

// How long a unit that was given up may hold the head of the pipeline before the server counts as
// stuck.
constexpr std::chrono::seconds kGivenUpGrace{5};

// Beyond this many units on one connection the server is hopelessly behind: shed load.
constexpr std::size_t kMostPending = 4096;

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

Task<Result<Rows>> Connection::run(std::vector<Command> commands, Clock::time_point deadline) {
  auto initiate = [this](auto handler, std::vector<Command> unit, Clock::time_point by) {
    const auto executor = asio::get_associated_executor(handler, executor_);
    auto slot = asio::get_associated_cancellation_slot(handler);
    const auto id = submit(std::move(unit), by);
    auto complete = [handler = std::move(handler), executor, slot](Result<Rows> result) mutable {
      auto resume = [handler = std::move(handler), slot, result = std::move(result)]() mutable {
        slot.clear();
        std::move(handler)(std::move(result));
      };
      asio::post(executor, std::move(resume));
    };
    if (!id) return complete(std::unexpected(id.error()));
    units_[*id - first_id_].handler = std::move(complete);
    if (slot.is_connected()) {
      slot.assign([weak = weak_from_this(), id = *id](asio::cancellation_type) {
        if (const auto self = weak.lock()) self->cancel_unit(id);
      });
    }
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Rows>)>(
      initiate, asio::use_awaitable, std::move(commands), deadline);
}

Result<std::uint64_t> Connection::submit(std::vector<Command> commands,
                                         Clock::time_point deadline) {
  if (conn_ == nullptr) return fail(Code::kUnavailable, "the database connection is closed");
  if (units_.size() >= kMostPending) {
    return fail(Code::kUnavailable, "too many queries wait for the database");
  }
  const auto name = commands.back().statement.name;
  Unit unit{.name = name, .commands = static_cast<int>(commands.size()), .deadline = deadline};

  std::vector<std::shared_ptr<Prepared>> prepared(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (!commands[i].params.valid()) {
      return fail(Error{.code = Code::kInvalid, .message = std::string(name) + ": NUL in a text"});
    }
    if (commands[i].statement.name.empty()) continue;
    auto found = prepare(commands[i].statement, deadline);
    if (!found) return std::unexpected(std::move(found.error()));
    prepared[i] = std::move(*found);
  }

  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto values = commands[i].params.pointers();
    const int count = static_cast<int>(values.size());
    int sent = 0;
    if (prepared[i]) {
      sent = PQsendQueryPrepared(conn_, prepared[i]->server_name.c_str(), count, values.data(),
                                 nullptr, nullptr, 0);
    } else {
      const std::string sql(commands[i].statement.sql);
      sent =
          PQsendQueryParams(conn_, sql.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0);
    }
    if (sent != 1) {
      // Part of a unit may be in the buffer: the stream cannot be trusted any more.
      const auto why = last_error();
      close(why);
      return fail(Code::kUnavailable, "send to the database: " + why);
    }
  }
  unit.prepared = std::move(prepared.back());
  units_.push_back(std::move(unit));
  const auto id = first_id_ + units_.size() - 1;
  const auto sent = sync_and_flush();
  if (!sent) return std::unexpected(sent.error());
  watch_deadline(deadline);
  return id;
}

Result<std::shared_ptr<Connection::Prepared>> Connection::prepare(const Statement& statement,
                                                                  Clock::time_point deadline) {
  const auto [found, fresh] = prepared_.try_emplace(std::string(statement.name));
  if (!fresh) {
    if (found->second->sql == statement.sql) return found->second;
    return fail(Code::kInternal, "two statements are called " + std::string(statement.name));
  }
  auto prepared = std::make_shared<Prepared>(
      Prepared{.sql = statement.sql, .server_name = "s" + std::to_string(++prepared_count_)});
  found->second = prepared;
  const std::string sql(statement.sql);
  if (PQsendPrepare(conn_, prepared->server_name.c_str(), sql.c_str(), 0, nullptr) != 1) {
    const auto why = last_error();
    close(why);
    return fail(Code::kUnavailable, "send to the database: " + why);
  }
  units_.push_back(
      {.name = statement.name, .is_prepare = true, .prepared = prepared, .deadline = deadline});
  const auto sent = sync_and_flush();
  if (!sent) return std::unexpected(sent.error());
  return prepared;
}

Status Connection::sync_and_flush() {
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
  // libpq 17 can append the Sync without writing, so that all units of this turn share a write.
  const bool ok = PQsendPipelineSync(conn_) == 1;
  if (ok && !writing_) {
    writing_ = true;
    asio::post(executor_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->writing_ = false;
      self->flush();
    });
  }
#else
  // Older ones write out at each Sync: one write per unit.
  const bool ok = PQpipelineSync(conn_) == 1;
  if (ok) flush();
#endif
  if (ok && conn_ != nullptr) return {};
  const auto why = conn_ != nullptr ? last_error() : std::string("connection lost");
  close(why);
  return fail(Code::kUnavailable, "send to the database: " + why);
}

void Connection::flush() {
  if (conn_ == nullptr || writing_) return;
  const int left = PQflush(conn_);
  // A failed write is followed by a failed read, which closes the connection with the server's
  // last words (libpq keeps them for that reason).
  if (left != 1) return;
  writing_ = true;
  socket_.async_wait(asio::posix::descriptor_base::wait_write,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (!self || error) return;
                       self->writing_ = false;
                       self->flush();
                     });
}

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

void Connection::cancel_unit(std::uint64_t id) {
  if (id < first_id_ || id - first_id_ >= units_.size()) return;
  auto handler = std::exchange(units_[id - first_id_].handler, {});
  if (handler) handler(fail(Code::kCancelled, "query cancelled"));
}

void Connection::watch_deadline(Clock::time_point deadline) {
  if (deadline >= watched_) return;
  watched_ = deadline;
  deadline_timer_.expires_at(deadline);
  deadline_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->on_deadline();
  });
}

void Connection::on_deadline() {
  watched_ = Clock::time_point::max();
  const auto now = Clock::now();
  auto next = Clock::time_point::max();
  bool stuck = false;
  for (auto& unit : units_) {
    if (unit.deadline <= now) {
      stuck = stuck || &unit == &units_.front();
      unit.deadline = now + kGivenUpGrace;
      auto handler = std::exchange(unit.handler, {});
      if (handler) handler(fail(Code::kTimeout, std::string(unit.name) + ": no answer in time"));
    }
    next = std::min(next, unit.deadline);
  }
  if (stuck) return close("the server does not answer");
  if (!units_.empty()) watch_deadline(next);
}

bool Connection::clean() const {
  return conn_ != nullptr && units_.empty() && PQtransactionStatus(conn_) == PQTRANS_IDLE;
}

Task<void> Connection::wait_closed() {
  const auto self = shared_from_this();
  if (conn_ == nullptr) co_return;
  co_await closed_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Connection::close(std::string_view why) {
  if (conn_ == nullptr) return;
  std::string reason(why);
  // The server's last words (57P01 …) say more than ours; they came as the first unit's answer.
  if (!units_.empty() && units_.front().error) reason = units_.front().error->message;
  if (socket_.is_open()) socket_.release();  // cancels the pending waits
  PQfinish(std::exchange(conn_, nullptr));
  deadline_timer_.cancel();
  closed_.cancel();
  auto units = std::exchange(units_, {});
  first_id_ += units.size();
  for (auto& unit : units) {
    if (!unit.handler) continue;
    unit.handler(fail(Code::kUnavailable, "database connection lost: " + reason));
  }
}

void Connection::abandon() { std::exchange(units_, {}); }

}  // namespace deployclaw::db
