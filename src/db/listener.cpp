#include "db/listener.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <vector>

#include "base/await.hpp"
#include "base/log.hpp"
#include "db/backoff.hpp"
#include "db/connection.hpp"

namespace deployclaw::db {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kConnectTimeout{5'000};
constexpr std::chrono::milliseconds kAnswerTimeout{5'000};
// A half-open TCP connection is found by asking now and then.
constexpr std::chrono::seconds kPingInterval{20};
constexpr Statement kPing{"", "select 1"};

// LISTEN takes an identifier, not a parameter.
std::string listen_sql(const std::string& channel) {
  std::string sql = "listen \"";
  for (const char c : channel) {
    if (c == '"') sql.push_back('"');
    sql.push_back(c);
  }
  return sql + "\"";
}

}  // namespace

struct Listener::State : std::enable_shared_from_this<Listener::State> {
  State(asio::any_io_executor e, std::string conninfo)
      : executor(std::move(e)),
        options{.conninfo = std::move(conninfo), .application_name = "deployclaw listen"},
        changed(executor, asio::steady_timer::time_point::max()),
        group(executor) {}

  struct Channel {
    Callback callback;
    bool listening = false;  // on the present connection
  };

  bool lacks_listen() const {
    return std::ranges::any_of(channels, [](const auto& c) { return !c.second.listening; });
  }

  void tell(const std::string& channel, std::string_view payload, bool gap) {
    const auto found = channels.find(channel);
    if (closed || found == channels.end()) return;
    const auto callback = found->second.callback;  // a copy: the callback may call listen()
    callback({.channel = channel, .payload = payload, .gap = gap});
  }

  // Sends LISTEN for each channel that lacks it and reports the gap. False when the connection
  // does not answer.
  static Task<bool> subscribe(std::shared_ptr<State> state,
                              std::shared_ptr<Connection> connection) {
    std::vector<std::string> missing;
    for (const auto& [name, channel] : state->channels) {
      if (!channel.listening) missing.push_back(name);
    }
    for (const auto& name : missing) {
      const std::string sql = listen_sql(name);
      std::vector<Command> unit;
      unit.push_back({Statement{"", sql}, Params()});
      const auto by = Connection::Clock::now() + kAnswerTimeout;
      const auto answer = co_await connection->run(std::move(unit), by);
      if (!answer) {
        log::warn("listen failed", {{"channel", name}, {"error", answer.error().message}});
        co_return false;
      }
      state->channels[name].listening = true;
      state->tell(name, {}, true);
    }
    co_return true;
  }

  // Serves one connection until it is lost.
  static Task<void> serve(std::shared_ptr<State> state, std::shared_ptr<Connection> connection) {
    for (auto& [name, channel] : state->channels) channel.listening = false;
    while (!state->closed && connection->open_now()) {
      const bool subscribed = co_await subscribe(state, connection);
      if (!subscribed) co_return;
      if (!connection->open_now()) co_return;
      if (state->lacks_listen()) continue;  // listen() was called meanwhile
      state->up = true;
      // Woken by listen() and close(), and by the loss of the connection.
      state->changed.expires_after(kPingInterval);
      const auto [woken] = co_await state->changed.async_wait(kAwait);
      if (woken) continue;
      std::vector<Command> unit;
      unit.push_back({kPing, Params()});
      const auto by = Connection::Clock::now() + kAnswerTimeout;
      const auto answer = co_await connection->run(std::move(unit), by);
      if (!answer) co_return;
    }
  }

  // Wakes serve() when the connection ends.
  static Task<void> watch(std::shared_ptr<State> state, std::shared_ptr<Connection> connection) {
    co_await connection->wait_closed();
    state->up = false;
    state->changed.cancel();
  }

  static Task<void> keep(std::shared_ptr<State> state) {
    Backoff backoff;
    while (!state->closed) {
      auto with = state->options;
      with.on_notification = [weak = std::weak_ptr(state)](std::string_view channel,
                                                           std::string_view payload) {
        if (const auto self = weak.lock()) self->tell(std::string(channel), payload, false);
      };
      auto opened = co_await Connection::open(state->executor, std::move(with), kConnectTimeout);
      if (opened) {
        backoff.reset();
        state->connection = *opened;
        state->group.spawn("listener watch", watch(state, *opened));
        co_await serve(state, *opened);
        state->up = false;
        (*opened)->close("listener");
        state->connection = nullptr;
      } else if (!state->closed && !std::exchange(state->reported_down, true)) {
        log::warn("listener not connected", {{"error", opened.error().message}});
      }
      if (state->closed) co_return;
      const auto delay = backoff.next();
      co_await sleep_for(delay);
    }
  }

  asio::any_io_executor executor;
  ConnectionOptions options;
  std::map<std::string, Channel> channels;
  std::shared_ptr<Connection> connection;
  asio::steady_timer changed;
  TaskGroup group;
  bool up = false;
  bool closed = false;
  bool reported_down = false;
};

Listener::Listener(asio::any_io_executor executor, std::string conninfo)
    : state_(std::make_shared<State>(std::move(executor), std::move(conninfo))) {
  state_->group.spawn("listener", State::keep(state_));
}

Listener::~Listener() = default;

void Listener::listen(std::string channel, Callback callback) {
  state_->channels[std::move(channel)] = {.callback = std::move(callback)};
  state_->changed.cancel();
}

bool Listener::connected() const { return state_->up; }

Task<void> Listener::close() {
  const auto state = state_;
  state->closed = true;
  if (state->connection) state->connection->close("listener closed");
  state->changed.cancel();
  state->group.cancel();
  co_await state->group.join();
  state->channels.clear();  // the callbacks may hold their owner
}

}  // namespace deployclaw::db
