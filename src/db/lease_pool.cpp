#include "db/lease_pool.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <memory>

#include "base/await.hpp"
#include "base/log.hpp"

namespace deployclaw::db {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kRollbackDeadline{5};
constexpr Statement kRollback{"", "rollback"};

}  // namespace

LeasePool::LeasePool(asio::any_io_executor executor, ConnectionOptions options, std::size_t most)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      most_(most),
      group_(executor_) {}

Task<Result<std::shared_ptr<Connection>>> LeasePool::acquire(
    Connection::Clock::time_point deadline) {
  const auto self = shared_from_this();
  // A waiter that was woken and leaves without a connection (cancelled) passes the wake-up on.
  struct PassOn {
    LeasePool* pool;
    bool woken = false;
    ~PassOn() {
      if (woken) pool->wake_next();
    }
  } pass_on{this};

  while (true) {
    if (closed_) co_return fail(Code::kUnavailable, "the database is closed");
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      if (!connection->clean()) continue;  // lost while idle
      pass_on.woken = false;
      ++leased_;
      co_return connection;
    }
    if (leased_ < most_) break;
    if (Connection::Clock::now() >= deadline) {
      co_return fail(Code::kUnavailable, "no database connection is free for a transaction");
    }
    const auto timer = std::make_shared<asio::steady_timer>(executor_, deadline);
    waiters_.push_back(timer);
    co_await timer->async_wait(kAwait);
    pass_on.woken = std::erase(waiters_, timer) == 0;
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return fail(Code::kCancelled, "cancelled");
    }
  }

  pass_on.woken = false;
  ++leased_;
  struct GiveBack {
    LeasePool* pool;
    bool armed = true;
    ~GiveBack() {
      if (armed) pool->release(nullptr);
    }
  } give_back{this};
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Connection::Clock::now());
  auto opened = co_await Connection::open(executor_, options_, left);
  if (!opened) co_return std::unexpected(std::move(opened.error()));
  give_back.armed = false;
  std::erase_if(all_, [](const auto& weak) { return weak.expired(); });
  all_.push_back(*opened);
  if (closed_) {
    release(*opened);
    co_return fail(Code::kUnavailable, "the database is closed");
  }
  co_return std::move(*opened);
}

void LeasePool::release(std::shared_ptr<Connection> connection) {
  --leased_;
  if (connection) {
    if (!closed_ && connection->clean()) {
      idle_.push_back(std::move(connection));
    } else {
      connection->close();
    }
  }
  wake_next();
}

void LeasePool::wake_next() {
  if (waiters_.empty()) return;
  const auto timer = std::move(waiters_.front());
  waiters_.pop_front();
  timer->cancel();
}

void LeasePool::roll_back_and_release(std::shared_ptr<Connection> connection) {
  if (closed_ || !connection->open_now()) {
    connection->close();
    return release(std::move(connection));
  }
  group_.spawn("roll back", roll_back(shared_from_this(), std::move(connection)));
}

Task<void> LeasePool::roll_back(std::shared_ptr<LeasePool> pool,
                                std::shared_ptr<Connection> connection) {
  // Whatever ends this coroutine, the connection goes back and is closed unless clean.
  struct GiveBack {
    std::shared_ptr<LeasePool> pool;
    std::shared_ptr<Connection> connection;
    ~GiveBack() { pool->release(std::move(connection)); }
  } const give_back{pool, connection};
  std::vector<Command> unit;
  unit.push_back({kRollback, Params()});
  const auto deadline = Connection::Clock::now() + kRollbackDeadline;
  const auto result = co_await connection->run(std::move(unit), deadline);
  if (!result) connection->close("roll back failed");
}

Task<void> LeasePool::close() {
  const auto self = shared_from_this();
  closed_ = true;
  for (const auto& weak : all_) {
    if (const auto connection = weak.lock()) connection->close("the database is closed");
  }
  idle_.clear();
  while (!waiters_.empty()) wake_next();
  co_await group_.join();
}

void Lease::end() {
  auto loan = std::exchange(connection, nullptr);
  if (!loan) return;
  if (!begun || finished) return pool->release(std::move(loan));
  pool->roll_back_and_release(std::move(loan));
}

}  // namespace deployclaw::db
