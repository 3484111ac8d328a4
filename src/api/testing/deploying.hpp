#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <string>

#include "api/testing/fixture.hpp"

// What the tests of agents share.
namespace deployclaw::api::testing {

// A body that POST /api/agents accepts, with `more` members over it.
inline boost::json::object agent_body(std::string name, std::string_view more = "{}") {
  boost::json::object body;
  body["name"] = std::move(name);
  body["runtime"] = "probe";
  body["permissions"] = boost::json::parse(R"({"scopes": ["email:read"]})");
  for (auto& member : boost::json::parse(more).as_object()) {
    body[member.key()] = std::move(member.value());
  }
  return body;
}

// Deploys an agent and answers its id. Fails the test when it is refused.
inline std::string deploy(Client& client, std::string name, std::string_view more = "{}") {
  const auto answer = client.post("/api/agents", agent_body(std::move(name), more));
  if (answer.status != 202) {
    ADD_FAILURE() << answer.status << " " << answer.text;
    return "";
  }
  return answer.string_at("agent", "id");
}

// Every deployment there is, oldest first: "create:cancelled@1 update:queued@2".
inline std::string deployments() {
  return Fixture::sql(
      "SELECT string_agg(kind || ':' || state || '@' || generation, ' ' ORDER BY created_at) "
      "FROM deployments");
}

// Every deployment ends in this state, every agent runs.
inline void settle(std::string state = "live") {
  Fixture::sql("UPDATE deployments SET state = '" + state +
               "', ended_at = now(); UPDATE agents SET status = 'running'");
}

// The id of the agent's newest deployment.
inline std::string newest_deployment(const std::string& agent) {
  return Fixture::sql("SELECT id FROM deployments WHERE agent_id = '" + agent +
                      "' ORDER BY created_at DESC LIMIT 1");
}

// The pointers of a 422, joined by a space.
inline std::string pointers_of(const Answer& answer) {
  std::string out;
  const auto* object = answer.body.if_object();
  const auto* errors = object ? object->if_contains("errors") : nullptr;
  if (errors == nullptr) return out;
  for (const auto& error : errors->get_array()) {
    if (!out.empty()) out += ' ';
    out += error.at("pointer").get_string();
  }
  return out;
}

}  // namespace deployclaw::api::testing
