#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "api/events/event_log.hpp"
#include "api/events/topics.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"

namespace deployclaw::db {
class Listener;
struct Notification;
}  // namespace deployclaw::db

namespace deployclaw::api::events {

// Whose stream it is. Fixed for the stream's life; what it may see is decided by `client` alone.
struct Reader {
  ClientId client;
  UserId user;
  SessionId session;
};

class Hub;

// One open stream's place in its client's log. Ends with its session, its user's role, or the hub.
// Destroying it frees its place. One thread, the hub's.
class Subscription {
 public:
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // What came since the last call and is wanted, as text/event-stream; "" when nothing did.
  std::string take();
  // The session is gone or its rights changed: say nothing more.
  [[nodiscard]] bool ended() const { return ended_; }
  // Until something may have come, or `most` has passed. False when cancelled.
  Task<bool> wait(std::chrono::milliseconds most);
  [[nodiscard]] const Reader& reader() const { return reader_; }

 private:
  friend class Hub;
  Subscription(std::shared_ptr<Hub> hub, Reader reader, Topics topics);

  std::shared_ptr<Hub> hub_;
  Reader reader_;
  Topics topics_;
  boost::asio::steady_timer wake_;
  std::uint64_t seen_ = 0;
  bool greeted_ = false;
  bool lost_place_ = false;  // it came with an id that says nothing here
  bool pending_ = true;
  bool ended_ = false;
};

// Tells each client's open streams what changed, from PostgreSQL's notifications: those of
// approvals, and those on a channel of its own, "<kind> <client> <id> [<agent>]", "audit.appended
// <client> <seq>", "session.ended <client> <session>" and "user.changed <client> <user>". A
// notification reaches the streams of the client it names and of no other.
//
// Logs live in this process's memory, for clients with open streams and for a few minutes after the
// last one: an id that another process or an earlier life gave out is answered with a resync.
class Hub : public std::enable_shared_from_this<Hub> {
 public:
  static constexpr std::size_t kMostPerClient = 32;
  static constexpr std::size_t kMostPerSession = 8;
  static constexpr std::size_t kMostThings = 2048;
  static constexpr std::chrono::minutes kKeep{5};

  explicit Hub(boost::asio::any_io_executor executor);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Listens with a connection of its own. Without it, streams open but nothing comes.
  void listen(std::string conninfo);
  // Ends every stream and the connection.
  Task<void> close();

  // `last_id`: the last event the reader has seen (Last-Event-ID). kRateLimited when the client or
  // the session has too many streams.
  Result<std::shared_ptr<Subscription>> subscribe(Reader reader, Topics topics,
                                                  std::optional<std::string_view> last_id);

  // One notification; what does not parse is logged and told as a resync to nobody. For listen()
  // and tests.
  void notify(std::string_view payload);
  // The same for an approval, as the channel deployclaw_approvals tells it: {clientId, agentId,
  // id}.
  void notify_approval(std::string_view json);
  // Notifications may have been lost.
  void notify_gap();

  [[nodiscard]] std::size_t streams() const;

 private:
  friend class Subscription;
  struct ClientState {
    EventLog log;
    std::set<Subscription*> readers;
    std::chrono::steady_clock::time_point left_at = {};
  };

  void tell(ClientId client, Event event);
  void end_readers(ClientId client, std::string_view kind, std::string_view id);
  void leave(Subscription& subscription);
  void forget_idle();
  ClientState& state_of(ClientId client);
  [[nodiscard]] std::string id_of(std::uint64_t seq) const;
  [[nodiscard]] std::optional<std::uint64_t> seq_of(std::string_view id) const;

  boost::asio::any_io_executor executor_;
  std::unique_ptr<db::Listener> listener_;
  std::map<ClientId, ClientState> clients_;
  std::string epoch_;  // of this life's ids
  std::uint64_t seq_ = 0;
  bool closed_ = false;
};

}  // namespace deployclaw::api::events
