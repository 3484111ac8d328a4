#include <fmt/format.h>

#include "http/problem.hpp"
#include "services/policy.hpp"

namespace deployclaw::services {
namespace {

constexpr std::size_t kLongestPath = 1024;

boost::json::value text(std::string_view value) { return boost::json::string(value); }

}  // namespace

http::Response to_problem(const Decision& decision, const RequestFacts& facts,
                          std::string_view request_id) {
  Error error;
  error.code = Code::kForbidden;
  error.reason = "egress_denied";
  error.message = fmt::format("{} refused", to_string(decision.layer));
  error.public_detail = fmt::format("Refused: {}.", decision.reason);
  http::ProblemMembers members = {
      {"layer", text(to_string(decision.layer))},
      {"host", text(facts.host)},
      {"port", facts.port},
      {"method", text(facts.method)},
      {"path", text(facts.path.substr(0, kLongestPath))},
  };
  if (!decision.service.empty()) members.emplace_back("service", text(decision.service));
  if (!decision.rule.empty()) members.emplace_back("rule", text(decision.rule));
  if (!decision.missing_scope.empty()) {
    members.emplace_back("missingScope", text(decision.missing_scope));
  }
  return http::problem(error, request_id, std::move(members));
}

}  // namespace deployclaw::services
