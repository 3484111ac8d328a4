#include "api/rendering/bind.hpp"

#include "audit/append.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"

namespace deployclaw::api {

Action bind_action(Services& services, Handle handle) {
  return [&services, handle](Principal principal, http::Request request) {
    return handle(services, std::move(principal), std::move(request));
  };
}

Result<AgentId> agent_of(const http::Request& request) {
  const auto id = AgentId::parse(request.param("id"));
  if (!id) return no_such_agent();
  return *id;
}

std::unexpected<Error> no_such_agent() {
  return fail(Code::kNotFound, "not_found", "There is no such agent.");
}

Status expect_no_fields(const http::Request& request) {
  if (request.body.empty()) return {};
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields in(*body);
  return in.finish();
}

Task<Status> record_and_commit(db::Transaction& tx, audit::Event event) {
  const auto recorded = co_await audit::append(tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  auto committed = co_await tx.commit();
  co_return committed;
}

}  // namespace deployclaw::api
