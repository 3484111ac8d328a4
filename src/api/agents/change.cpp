#include "api/agents/agents.hpp"
#include "api/agents/carry_out.hpp"
#include "api/agents/lifecycle.hpp"
#include "api/agents/request.hpp"
#include "api/rendering/bind.hpp"
#include "http/json_body.hpp"

namespace deployclaw::api::agents {

Task<Result<http::Response>> change(Services& services, Principal principal,
                                    http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  auto body = http::json_object_body(request);
  wipe_string(request.body);
  if (!body) co_return fail(std::move(body.error()));

  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto agent = co_await lock_for_change(*tx, *id, request);
  if (!agent) co_return fail(std::move(agent.error()));
  auto wanted = read_change(services.runtimes, *agent, std::move(*body));
  if (!wanted) co_return fail(std::move(wanted.error()));
  boost::json::object nothing_more;
  auto response = co_await carry_out(services, std::move(principal), *tx, std::move(*agent),
                                     std::move(*wanted), std::move(nothing_more));
  co_return response;
}

}  // namespace deployclaw::api::agents
