#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/result.hpp"
#include "egress/messages.hpp"

// What an agent and the audit log are told when the ledger refuses. Pure.
namespace deployclaw::egress {

// kRateLimited "rate_limited" or "spend_cap_reached"; kUnavailable "limits_not_ready". With
// retry_after_seconds and a sentence for the public.
Error to_error(const LimitRefusal& refusal);

// The layer that refused: "rate", "spend" or "limits".
std::string_view layer_of(const LimitRefusal& refusal);

// The members of the problem besides its layer: {scope, window, max, retryAfter},
// {capUsd, spentUsd, retryAfter} or {retryAfter}.
boost::json::object to_members(const LimitRefusal& refusal);

}  // namespace deployclaw::egress
