// The sending side of a connection, giving up and closing; connection_receive.cpp has the other.
#include "db/connection.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/await.hpp"

namespace deployclaw::db {

namespace asio = boost::asio;

namespace {

// How long a unit that was given up may hold the head of the pipeline before the server counts as
// stuck.
constexpr std::chrono::seconds kGivenUpGrace{5};

// Beyond this many units on one connection the server is hopelessly behind: shed load.
constexpr std::size_t kMostPending = 4096;

}  // namespace

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
    const auto params = commands[i].params.for_libpq();
    const int count = static_cast<int>(params.values.size());
    int sent = 0;
    if (prepared[i]) {
      sent =
          PQsendQueryPrepared(conn_, prepared[i]->server_name.c_str(), count, params.values.data(),
                              params.lengths.data(), params.formats.data(), 0);
    } else {
      const std::string sql(commands[i].statement.sql);
      sent = PQsendQueryParams(conn_, sql.c_str(), count, nullptr, params.values.data(),
                               params.lengths.data(), params.formats.data(), 0);
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
  co_await closed_.async_wait(kAwait);
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
