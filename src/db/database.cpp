#include "db/database.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <vector>

#include "base/await.hpp"
#include "base/log.hpp"
#include "db/backoff.hpp"
#include "db/connection.hpp"
#include "db/lease_pool.hpp"

namespace deployclaw::db {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kConnectTimeout{5'000};
// How long a query waits for the first connection, or for one to come back.
constexpr std::chrono::milliseconds kPatience{1'000};

}  // namespace

struct Database::State : std::enable_shared_from_this<Database::State> {
  State(asio::any_io_executor e, Options options)
      : executor(std::move(e)),
        connection_options{.conninfo = std::move(options.conninfo),
                           .application_name = std::move(options.application_name),
                           .statement_timeout = options.statement_timeout},
        shared(std::max<std::size_t>(1, options.shared_connections)),
        leases(std::make_shared<LeasePool>(executor, connection_options, options.max_transactions)),
        group(executor) {}

  // The least busy shared connection; null when none is up.
  Connection* pick() const {
    Connection* best = nullptr;
    for (const auto& connection : shared) {
      if (!connection || !connection->open_now()) continue;
      if (best == nullptr || connection->pending() < best->pending()) best = connection.get();
    }
    return best;
  }

  // Keeps one shared connection up until close().
  static Task<void> keep(std::shared_ptr<State> state, std::size_t index) {
    Backoff backoff;
    while (!state->closed) {
      auto opened =
          co_await Connection::open(state->executor, state->connection_options, kConnectTimeout);
      if (opened) {
        backoff.reset();
        state->shared[index] = *opened;
        state->wake_waiters();
        if (std::exchange(state->reported_down, false)) log::info("database connected again");
        co_await (*opened)->wait_closed();
        state->shared[index] = nullptr;
        (*opened)->close("the database is closed");
      } else if (!state->closed && !std::exchange(state->reported_down, true)) {
        log::warn("database not reachable", {{"error", opened.error().message}});
      }
      if (state->closed) co_return;
      const auto delay = backoff.next();
      co_await sleep_for(delay);
    }
  }

  // The connection to use, waiting up to kPatience for one; null when there is none. A raw pointer
  // on purpose: a waiting query must not keep its connection alive.
  static Task<Connection*> up(std::shared_ptr<State> state) {
    const auto until = Connection::Clock::now() + kPatience;
    while (!state->closed) {
      if (Connection* const connection = state->pick()) co_return connection;
      if (Connection::Clock::now() >= until) break;
      const auto timer = std::make_shared<asio::steady_timer>(state->executor, until);
      state->waiters.push_back(timer);
      co_await timer->async_wait(kAwait);
      const auto cancellation = co_await asio::this_coro::cancellation_state;
      if (cancellation.cancelled() != asio::cancellation_type::none) break;
    }
    co_return nullptr;
  }

  Task<Result<Rows>> run(std::vector<Command> unit, std::chrono::milliseconds deadline) {
    const auto by = Connection::Clock::now() + deadline;
    Connection* connection = pick();
    if (connection == nullptr) {
      connection = co_await up(shared_from_this());
      if (connection == nullptr)
        co_return fail(Code::kUnavailable, "the database is not reachable");
    }
    co_return co_await connection->run(std::move(unit), by);
  }

  void wake_waiters() {
    for (const auto& timer : std::exchange(waiters, {})) timer->cancel();
  }

  asio::any_io_executor executor;
  ConnectionOptions connection_options;
  std::vector<std::shared_ptr<Connection>> shared;  // null while down
  std::vector<std::shared_ptr<asio::steady_timer>> waiters;
  std::shared_ptr<LeasePool> leases;
  TaskGroup group;
  bool closed = false;
  bool reported_down = false;
};

Database::Database(asio::any_io_executor executor, Options options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {
  for (std::size_t i = 0; i < state_->shared.size(); ++i) {
    state_->group.spawn("database connection", State::keep(state_, i));
  }
}

Database::~Database() = default;

bool Database::connected() const { return state_->pick() != nullptr; }

Task<Result<Rows>> Database::query(Statement statement, Params params,
                                   std::chrono::milliseconds deadline) {
  std::vector<Command> unit;
  unit.push_back({statement, std::move(params)});
  return state_->run(std::move(unit), deadline);
}

Task<Result<Rows>> Database::query(ClientId tenant, Statement statement, Params params,
                                   std::chrono::milliseconds deadline) {
  std::vector<Command> unit;
  unit.reserve(2);
  unit.push_back({kSetTenant, Params::of(tenant)});
  unit.push_back({statement, std::move(params)});
  return state_->run(std::move(unit), deadline);
}

Task<Result<Transaction>> Database::begin(std::optional<ClientId> tenant,
                                          std::chrono::milliseconds wait) {
  const auto state = state_;
  const auto deadline = Connection::Clock::now() + wait;
  auto connection = co_await state->leases->acquire(deadline);
  if (!connection) co_return std::unexpected(std::move(connection.error()));
  co_return Transaction(std::make_unique<Lease>(state->leases, std::move(*connection), tenant));
}

Task<void> Database::close() {
  const auto state = state_;
  state->closed = true;
  state->wake_waiters();
  for (const auto& connection : state->shared) {
    if (connection) connection->close("the database is closed");
  }
  co_await state->leases->close();
  state->group.cancel();
  co_await state->group.join();
}

}  // namespace deployclaw::db
