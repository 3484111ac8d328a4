#pragma once

#include <memory>
#include <string>

#include "egress/exchange.hpp"
#include "egress/messages.hpp"
#include "egress/worker_shared.hpp"

namespace deployclaw::egress {

// One connection of an agent, whichever way it came in: to the proxy (CONNECT, or requests in
// absolute form), or led here on its way to a synthetic address. Inside, TLS is intercepted, plain
// HTTP is read, and what is neither is carried unread where the policy has a port for it. One
// thread; kept by its own task.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(WorkerShared& shared, net::StreamSocket socket, ConnectionMessage arrival);

  Task<void> run();
  // The agent's policy is another now: what it would not allow ends.
  void on_new_policy();
  void close() {
    stream_.interrupt();
    if (running_ != nullptr) running_->end_hold();
  }
  // Now and then.
  void tend() {
    if (running_ != nullptr) running_->end_if_agent_is_gone();
  }
  [[nodiscard]] AgentId agent() const { return arrival_.agent; }

 private:
  Task<void> serve_proxy();
  Task<void> serve_transparent();
  // What follows the first request: a tunnel, more requests, or nothing.
  struct Next {
    std::optional<Origin> tunnel;
    bool more = false;
  };
  Task<Next> serve_first();
  // Answers CONNECT; nullopt when it was refused.
  Task<std::optional<Origin>> accept_connect(const http::RequestHead& head);
  // Looks at the first bytes and does what they ask for. `origin` is admitted.
  Task<void> serve_origin(Origin origin);
  Task<void> serve_tls(Origin origin);
  Task<void> serve_requests(std::optional<Origin> origin);
  Task<bool> serve_request(std::optional<Origin> origin);
  Task<void> serve_tunnel(Origin origin);
  // True when the policy admits the name and it is within the budget of names below a wildcard.
  bool admits(const std::string& host, std::uint16_t port, std::string& why);
  void record_refusal(std::string_view target, std::string_view layer, std::string_view reason);
  Task<void> answer_connect_refused(std::string host, std::uint16_t port, std::string why);

  WorkerShared& shared_;
  const ConnectionMessage arrival_;
  net::ByteStream stream_;
  StreamReader reader_;
  Exchange* running_ = nullptr;
  std::optional<Origin> origin_;          // of a tunnel
  net::ByteStream* tunnelled_ = nullptr;  // the upstream of an unread one
  bool tunnel_broken_off_ = false;
};

}  // namespace deployclaw::egress
