#include "api/routes.hpp"

#include "api/agent_page/pages.hpp"
#include "api/agents/agents.hpp"
#include "api/approvals/approvals.hpp"
#include "api/audit_log/audit_log.hpp"
#include "api/auth/auth.hpp"
#include "api/branding/branding.hpp"
#include "api/credentials/credentials.hpp"
#include "api/events/events.hpp"
#include "api/openapi/document.hpp"
#include "api/output/output.hpp"
#include "api/policy/policy.hpp"
#include "api/runtimes/runtimes.hpp"
#include "api/waitlist/waitlist.hpp"

namespace deployclaw::api {

void add_resource_routes(http::Router& router, Services& services) {
  auth::add_routes(router, services);
  agents::add_routes(router, services);
  credentials::add_routes(router, services);
  approvals::add_routes(router, services);
  output::add_routes(router, services);
  policy::add_routes(router, services);
  audit_log::add_routes(router, services);
  runtime_list::add_routes(router, services);
  agent_page::add_routes(router, services);
  branding::add_routes(router, services);
  events::add_routes(router, services);
  waitlist::add_routes(router, services);
  openapi::add_routes(router);
}

}  // namespace deployclaw::api
