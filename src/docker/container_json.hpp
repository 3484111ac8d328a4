#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "base/result.hpp"
#include "docker/container_runtime.hpp"

namespace deployclaw::docker {

// Between our types and the engine's JSON. Pure.

inline constexpr auto kAgentLabel = "io.deployclaw.agent";
inline constexpr auto kClientLabel = "io.deployclaw.client";
inline constexpr auto kGenerationLabel = "io.deployclaw.generation";
inline constexpr auto kInstanceLabel = "io.deployclaw.instance";

// "dc-<agent id>": unique per engine, so that an agent can never have two containers.
std::string container_name(AgentId agent);

// The create call's body. kInvalid for a spec that cannot be right (no image, memory below 6 MiB,
// a relative mount, a label of ours).
Result<boost::json::object> to_create_body(const ContainerSpec& spec);

// From an inspect answer. Ids in labels that do not parse read as nil.
ObservedContainer to_observed(const boost::json::value& inspected);

// From one line of the event stream; kMalformed when it is no event.
Result<RuntimeEvent> to_event(const boost::json::value& line);

// "<time> <text>", as the engine writes log lines with time stamps. Text is sanitized.
LogLine to_log_line(std::string_view raw, bool is_stderr);

}  // namespace deployclaw::docker
