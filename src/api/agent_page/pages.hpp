#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "api/services.hpp"
#include "http/router.hpp"
#include "net/http_server.hpp"

namespace deployclaw::api::agent_page {

// POST /api/agents/:id/page-ticket: where the agent's own page opens, once, within a minute.
void add_routes(http::Router& router, Services& services);

// The agents' own pages. A connection to an agent's host is taken over from its first head on and
// carries one exchange: who asks is looked up in the database by the host's own cookie, the head is
// rewritten (forward.hpp), and the bytes pass. A WebSocket, or an answer that goes on for long,
// ends within seconds when the sign-in, the role or the agent does. One thread, the server's; must
// outlive the server whose connections it carries.
class AgentPages {
 public:
  AgentPages(boost::asio::any_io_executor executor, Services& services);
  ~AgentPages();
  AgentPages(const AgentPages&) = delete;
  AgentPages& operator=(const AgentPages&) = delete;

  // What HttpServer::divert() takes.
  [[nodiscard]] net::Diversion diversion();

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace deployclaw::api::agent_page
