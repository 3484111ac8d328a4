#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/result.hpp"
#include "models/endpoint.hpp"

namespace deployclaw::models {

// Refuses what makes a call cost more than its tokens at the listed price, or go on after it:
// kForbidden with the reason "model_call_refused" and a detail that names the field. Pure.
Status refuse_unbounded(std::string_view service, Dialect dialect, const boost::json::object& body);

}  // namespace deployclaw::models
