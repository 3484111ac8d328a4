#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/task.hpp"
#include "db/params.hpp"
#include "db/rows.hpp"
#include "db/statement.hpp"

struct pg_conn;

namespace deployclaw::db {

// A statement with its values. One without a name is sent as it is and not prepared.
struct Command {
  Statement statement;
  Params params;
};

struct ConnectionOptions {
  std::string conninfo;
  std::string application_name;
  std::chrono::milliseconds statement_timeout{30'000};
  std::function<void(std::string_view channel, std::string_view payload)> on_notification = {};
};

// One libpq connection in pipeline mode, private to this module.
//
// run() hands over a unit: commands and a Sync, so one implicit transaction, whose answer is that
// of its last command. Units are sent at once and answered in order; many coroutines share the
// connection. The server skips the rest of a unit after an error and starts afresh at its Sync, so
// an error fails its unit alone. A unit keeps its place until its Sync has come back even when
// nobody waits for it any longer: this is what makes cancellation and timeouts safe.
//
// A named statement is prepared by a unit of its own, right before the first unit that needs it,
// so that a failure elsewhere cannot skip its Parse.
//
// Single-threaded. The pending reads hold the object alive until close() or the loss of the
// connection.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // Connects and enters pipeline mode; kUnavailable or kTimeout otherwise. A host name is resolved
  // in a blocking way by libpq: give addresses or sockets.
  static Task<Result<std::shared_ptr<Connection>>> open(boost::asio::any_io_executor executor,
                                                        ConnectionOptions options,
                                                        std::chrono::milliseconds timeout);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends a unit and waits for its answer. A unit that is being worked on when its deadline passes
  // means a stuck server: the connection is closed. One that waits behind others is given up alone.
  // The caller need not hold the connection meanwhile.
  Task<Result<Rows>> run(std::vector<Command> commands, Clock::time_point deadline);

  [[nodiscard]] bool open_now() const { return conn_ != nullptr; }
  [[nodiscard]] std::size_t pending() const { return units_.size(); }
  // True when nothing is pending and the session is in no transaction.
  [[nodiscard]] bool clean() const;

  // Waits until the connection is closed, by whichever side.
  Task<void> wait_closed();
  // Closes; what is pending answers kUnavailable.
  void close(std::string_view why = "connection closed");

 private:
  struct Private {};

 public:
  Connection(Private, boost::asio::any_io_executor executor, ConnectionOptions options);

 private:
  // A statement on this connection. Units keep it, to learn why its Parse failed.
  struct Prepared {
    std::string_view sql;
    std::string server_name;
    std::optional<Error> failure = {};
  };
  using Handler = std::move_only_function<void(Result<Rows>)>;
  struct Unit {
    std::string_view name;  // of the statement that answers
    int commands = 1;
    int finished = 0;
    bool is_prepare = false;
    std::shared_ptr<Prepared> prepared = {};
    Clock::time_point deadline = {};
    Handler handler = {};  // empty once answered or given up
    Rows rows = {};
    std::optional<Error> error = {};
  };
  struct ReadHandler;

  Task<Status> connect(Clock::time_point deadline);
  Status enter_pipeline();
  // Sends `commands`; on success the unit is pending under the id returned.
  Result<std::uint64_t> submit(std::vector<Command> commands, Clock::time_point deadline);
  Result<std::shared_ptr<Prepared>> prepare(const Statement& statement, Clock::time_point deadline);
  Status sync_and_flush();
  void flush();
  void wait_readable();
  void on_readable();
  void take_results();
  void take_result(pg_result* result);
  void finish_unit();
  void deliver_notifications();
  void cancel_unit(std::uint64_t id);
  void watch_deadline(Clock::time_point deadline);
  void on_deadline();
  void abandon();
  std::string last_error() const;

  boost::asio::any_io_executor executor_;
  ConnectionOptions options_;
  pg_conn* conn_ = nullptr;
  boost::asio::posix::stream_descriptor socket_;  // watches libpq's socket without owning it
  boost::asio::steady_timer deadline_timer_;
  boost::asio::steady_timer closed_;  // cancelled when the connection closes
  Clock::time_point watched_ = Clock::time_point::max();
  bool writing_ = false;
  std::deque<Unit> units_;
  std::uint64_t first_id_ = 0;  // id of units_.front()
  std::uint64_t prepared_count_ = 0;
  std::unordered_map<std::string, std::shared_ptr<Prepared>> prepared_;
};

}  // namespace deployclaw::db
