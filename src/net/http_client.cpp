#include "net/http_client.hpp"

#include <boost/asio/this_coro.hpp>
#include <list>
#include <utility>

#include "net/client_connection.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

std::string Endpoint::to_string() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  return host + ":" + std::to_string(port);
}

struct ClientPool::State {
  State(Endpoint e, std::size_t m, std::chrono::milliseconds l)
      : endpoint(std::move(e)), max_idle(m), idle_lifetime(l) {}

  struct Idle {
    std::shared_ptr<ClientConnection> connection;
    Clock::time_point since;
  };
  Endpoint endpoint;
  std::size_t max_idle;
  std::chrono::milliseconds idle_lifetime;
  std::list<Idle> idle;  // the most recently used in front

  // A usable idle connection, or null.
  std::shared_ptr<ClientConnection> take() {
    const auto now = Clock::now();
    while (!idle.empty()) {
      Idle entry = std::move(idle.front());
      idle.pop_front();
      if (now - entry.since < idle_lifetime && !entry.connection->is_stale()) {
        return std::move(entry.connection);
      }
    }
    return nullptr;
  }

  void give_back(std::shared_ptr<ClientConnection> connection) {
    connection->reset();
    idle.push_front({std::move(connection), Clock::now()});
    while (idle.size() > max_idle) idle.pop_back();
  }
};

namespace {

// An exchange whose head has been read.
struct Exchange {
  std::shared_ptr<ClientConnection> connection;
  http::ResponseHead head;
};

std::shared_ptr<Deadline> deadline_for(const std::shared_ptr<ClientConnection>& connection,
                                       std::chrono::milliseconds from_now) {
  std::weak_ptr<ClientConnection> weak = connection;
  std::function<void()> expire = [weak] {
    if (const auto alive = weak.lock()) alive->cancel();
  };
  return std::make_shared<Deadline>(connection->executor(), from_now, std::move(expire));
}

// Sends on an open connection and reads the head.
Task<Result<Exchange>> exchange(std::shared_ptr<ClientConnection> connection,
                                ClientRequest& request, bool keep_alive, Deadline& deadline) {
  auto sent = co_await connection->send(request, keep_alive, deadline);
  if (!sent) co_return fail(std::move(sent.error()));
  auto head = co_await connection->read_head(request.method, deadline);
  if (!head) co_return fail(std::move(head.error()));
  co_return Exchange{std::move(connection), std::move(*head)};
}

Task<Result<Exchange>> exchange_fresh(Endpoint endpoint, ClientRequest& request, bool keep_alive,
                                      std::chrono::milliseconds within) {
  const auto executor = co_await asio::this_coro::executor;
  auto connection = std::make_shared<ClientConnection>(executor, std::move(endpoint));
  const auto deadline = deadline_for(connection, within);
  auto connected = co_await connection->connect(*deadline);
  if (!connected) co_return fail(std::move(connected.error()));
  co_return co_await exchange(connection, request, keep_alive, *deadline);
}

bool may_repeat(const ClientRequest& request) {
  return std::holds_alternative<std::string>(request.body) &&
         request.method != http::Method::kPost && request.method != http::Method::kPatch &&
         request.method != http::Method::kOther;
}

using PoolState = std::shared_ptr<ClientPool::State>;

Task<Result<Exchange>> exchange_pooled(PoolState pool, ClientRequest& request,
                                       std::chrono::milliseconds within) {
  const auto until = Clock::now() + within;
  if (auto reused = pool->take()) {
    const auto deadline = deadline_for(reused, within);
    auto result = co_await exchange(reused, request, true, *deadline);
    if (result) co_return std::move(*result);
    const bool stale =
        result.error().code == Code::kUnavailable && !reused->answer_begun() && may_repeat(request);
    if (!stale) co_return fail(std::move(result.error()));
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  co_return co_await exchange_fresh(pool->endpoint, request, true, left);
}

Task<Result<ClientResponse>> read_whole(Exchange& from, std::size_t max_bytes,
                                        std::chrono::milliseconds within) {
  const auto deadline = deadline_for(from.connection, within);
  ClientResponse response;
  response.status = from.head.status;
  while (true) {
    auto piece = co_await from.connection->read_body(from.head, *deadline);
    if (!piece) co_return fail(std::move(piece.error()));
    if (piece->empty()) break;
    if (response.body.size() + piece->size() > max_bytes) {
      co_return fail(Code::kTooLarge,
                     from.connection->endpoint().to_string() + ": response body over the limit");
    }
    response.body += *piece;
  }
  response.headers = from.head.headers;
  co_return response;
}

struct StreamCore {
  Exchange exchange;
  PoolState pool;  // null outside a pool
  bool ended = false;
};

Task<Result<std::string>> read_some_of(std::shared_ptr<StreamCore> core,
                                       std::chrono::milliseconds within) {
  if (core->ended) co_return std::string{};
  const auto connection = core->exchange.connection;
  if (connection->closed()) co_return fail(Code::kCancelled, "stream closed");
  const auto deadline = deadline_for(connection, within);
  auto piece = co_await connection->read_body(core->exchange.head, *deadline);
  if (!piece) co_return fail(std::move(piece.error()));
  if (piece->empty()) {
    core->ended = true;
    const bool reuse = core->pool && connection->reusable(core->exchange.head);
    if (reuse) {
      core->pool->give_back(connection);
    } else {
      connection->close();
    }
  }
  co_return std::move(*piece);
}

class OpenStream final : public ResponseStream {
 public:
  OpenStream(Exchange exchange, PoolState pool)
      : core_(std::make_shared<StreamCore>(std::move(exchange), std::move(pool))) {}
  ~OpenStream() override { OpenStream::close(); }
  [[nodiscard]] int status() const override { return core_->exchange.head.status; }
  [[nodiscard]] const http::Headers& headers() const override {
    return core_->exchange.head.headers;
  }
  Task<Result<std::string>> read_some(std::chrono::milliseconds deadline) override {
    return read_some_of(core_, deadline);
  }
  void close() override {
    // After the end the connection may serve another request already.
    if (!core_->ended) core_->exchange.connection->close();
  }

 private:
  std::shared_ptr<StreamCore> core_;
};

std::chrono::milliseconds until(Clock::time_point end) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
}

}  // namespace

Task<Result<ClientResponse>> fetch(Endpoint endpoint, ClientRequest request,
                                   std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  auto exchanged = co_await exchange_fresh(std::move(endpoint), request, false, deadline);
  if (!exchanged) co_return fail(std::move(exchanged.error()));
  co_return co_await read_whole(*exchanged, request.max_response_bytes, until(end));
}

Task<Result<std::unique_ptr<ResponseStream>>> open_stream(Endpoint endpoint, ClientRequest request,
                                                          std::chrono::milliseconds head_deadline) {
  auto exchanged = co_await exchange_fresh(std::move(endpoint), request, false, head_deadline);
  if (!exchanged) co_return fail(std::move(exchanged.error()));
  co_return std::make_unique<OpenStream>(std::move(*exchanged), nullptr);
}

ClientPool::ClientPool(Endpoint endpoint, std::size_t max_idle,
                       std::chrono::milliseconds idle_lifetime)
    : state_(std::make_shared<State>(std::move(endpoint), max_idle, idle_lifetime)) {}

ClientPool::~ClientPool() = default;

namespace {

Task<Result<ClientResponse>> fetch_pooled(PoolState pool, ClientRequest request,
                                          std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  auto exchanged = co_await exchange_pooled(pool, request, deadline);
  if (!exchanged) co_return fail(std::move(exchanged.error()));
  auto response = co_await read_whole(*exchanged, request.max_response_bytes, until(end));
  if (response && exchanged->connection->reusable(exchanged->head)) {
    pool->give_back(std::move(exchanged->connection));
  }
  co_return response;
}

Task<Result<std::unique_ptr<ResponseStream>>> open_pooled(PoolState pool, ClientRequest request,
                                                          std::chrono::milliseconds deadline) {
  auto exchanged = co_await exchange_pooled(pool, request, deadline);
  if (!exchanged) co_return fail(std::move(exchanged.error()));
  co_return std::make_unique<OpenStream>(std::move(*exchanged), std::move(pool));
}

}  // namespace

Task<Result<ClientResponse>> ClientPool::fetch(ClientRequest request,
                                               std::chrono::milliseconds deadline) {
  return fetch_pooled(state_, std::move(request), deadline);
}

Task<Result<std::unique_ptr<ResponseStream>>> ClientPool::open_stream(
    ClientRequest request, std::chrono::milliseconds head_deadline) {
  return open_pooled(state_, std::move(request), head_deadline);
}

const Endpoint& ClientPool::endpoint() const { return state_->endpoint; }

void ClientPool::close_idle() { state_->idle.clear(); }

}  // namespace deployclaw::net
