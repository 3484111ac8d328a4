#include "api/events/topics.hpp"

namespace deployclaw::api::events {
namespace {

std::unexpected<Error> refused(std::string detail) {
  Error error{.code = Code::kInvalid,
              .message = "topics: " + detail,
              .reason = "validation_failed",
              .public_detail = "Some query parameters are not valid."};
  error.fields.push_back({.pointer = "/query/topics", .detail = std::move(detail)});
  return fail(std::move(error));
}

}  // namespace

Result<Topics> Topics::parse(std::string_view text) {
  Topics topics;
  if (text.empty()) {
    topics.agents_ = topics.deployments_ = topics.approvals_ = topics.audit_ = true;
    return topics;
  }
  std::size_t count = 0;
  while (true) {
    const auto comma = text.find(',');
    const auto topic = text.substr(0, comma);
    constexpr std::string_view kOne = "agent:";
    if (++count > kMost) return refused("at most " + std::to_string(kMost) + " topics");
    if (topic == "agents") {
      topics.agents_ = true;
    } else if (topic == "deployments") {
      topics.deployments_ = true;
    } else if (topic == "approvals") {
      topics.approvals_ = true;
    } else if (topic == "audit") {
      topics.audit_ = true;
    } else if (topic.starts_with(kOne)) {
      const auto agent = AgentId::parse(topic.substr(kOne.size()));
      if (!agent) return refused("agent: is followed by an agent's id");
      topics.one_agent_.insert(*agent);
    } else {
      return refused("a topic is one of agents, agent:<id>, deployments, approvals, audit");
    }
    if (comma == std::string_view::npos) return topics;
    text.remove_prefix(comma + 1);
  }
}

bool Topics::want(const Event& event) const {
  if (event.agent && one_agent_.contains(*event.agent)) return true;
  switch (event.kind) {
    case Kind::kAgentChanged:
      return agents_;
    case Kind::kDeploymentChanged:
      return agents_ || deployments_;
    case Kind::kApprovalChanged:
      return approvals_;
    case Kind::kAuditAppended:
      return audit_;
    case Kind::kResync:
      return true;
  }
  return false;
}

}  // namespace deployclaw::api::events
