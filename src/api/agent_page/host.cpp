#include "api/agent_page/host.hpp"

#include "domain/sites.hpp"
#include "http/authority.hpp"

namespace deployclaw::api::agent_page {
namespace {

struct Origin {
  std::string_view scheme;  // with "://"
  std::optional<http::Authority> authority;
};

Origin split_origin(std::string_view origin) {
  const auto end = origin.find("://");
  if (end == std::string_view::npos) return {.scheme = "http://", .authority = {}};
  Origin out{.scheme = origin.substr(0, end + 3), .authority = {}};
  const auto rest = origin.substr(end + 3);
  auto authority = http::parse_authority(rest.substr(0, rest.find('/')), http::Addresses::kAccept);
  if (authority) out.authority = std::move(*authority);
  return out;
}

std::string host_of(std::string_view agents_host) {
  auto parsed = http::parse_authority(agents_host);
  return parsed ? std::move(parsed->host) : std::string();
}

}  // namespace

bool is_agents_host(std::string_view host_field, std::string_view agents_host) {
  const auto asked = http::parse_authority(host_field, http::Addresses::kAccept);
  const auto ours = host_of(agents_host);
  if (!asked || ours.empty()) return false;
  return asked->host == ours || asked->host.ends_with("." + ours);
}

std::optional<AgentId> agent_of_host(std::string_view host_field, std::string_view agents_host) {
  const auto asked = http::parse_authority(host_field);
  const auto ours = host_of(agents_host);
  if (!asked || ours.empty() || !asked->host.ends_with("." + ours)) return std::nullopt;
  return AgentId::parse(
      std::string_view(asked->host).substr(0, asked->host.size() - ours.size() - 1));
}

std::string page_origin(AgentId agent, std::string_view agents_host,
                        std::string_view public_origin) {
  const auto origin = split_origin(public_origin);
  const auto ours = http::parse_authority(agents_host);
  std::string out(origin.scheme);
  out += agent.to_string() + "." + (ours ? ours->host : std::string(agents_host));
  auto port = ours ? ours->port : std::nullopt;
  if (!port && origin.authority) port = origin.authority->port;
  if (port) out += ":" + std::to_string(*port);
  return out;
}

Status check_agents_host(std::string_view agents_host, std::string_view public_origin) {
  const auto ours = http::parse_authority(agents_host);
  if (!ours) return fail(Code::kInvalid, "web.agents_host is no host name");
  const auto dashboard = split_origin(public_origin).authority;
  if (!dashboard) return {};
  const bool is_local = ours->host.ends_with(".localhost");
  const bool refused =
      is_local ? dashboard->host == ours->host : domain::is_same_site(ours->host, dashboard->host);
  if (!refused) return {};
  return fail(Code::kInvalid, "web.agents_host must not be of the dashboard's site (" +
                                  dashboard->host + "): use another registrable domain");
}

}  // namespace deployclaw::api::agent_page
