#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"

// Where agents' own pages are: <agent id>.<agents host>. Each agent has an origin of its own, and
// none is of the dashboard's site, so that no page reaches the dashboard's cookies or another's.
namespace deployclaw::api::agent_page {

// True when a Host field names the agents' host or anything below it. Nothing of the dashboard is
// answered there. A field that is no host is not.
bool is_agents_host(std::string_view host_field, std::string_view agents_host);

// The agent whose page a Host field names.
std::optional<AgentId> agent_of_host(std::string_view host_field, std::string_view agents_host);

// "https://<agent id>.agents.example.net": the scheme of `public_origin`, the port of `agents_host`
// or else that of `public_origin`.
std::string page_origin(AgentId agent, std::string_view agents_host,
                        std::string_view public_origin);

// kInvalid when `agents_host` is no host name (a port may follow), or is of the dashboard's site: a
// page there could set cookies for the dashboard and send it requests with them. Below localhost,
// which no stranger can be, only the name itself is refused.
Status check_agents_host(std::string_view agents_host, std::string_view public_origin);

}  // namespace deployclaw::api::agent_page
