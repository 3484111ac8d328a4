#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace deployclaw::orchestrator {

// The agent's file after a start: `theirs` (what is in the volume now) with every value of `ours`
// put over it, object by object; and without the members that `before` (the shape of what we wrote
// last) has and `ours` has not. Pure.
boost::json::object merge_config(boost::json::object theirs, const boost::json::object& ours,
                                 const boost::json::object& before);

// The same members with every value but objects as null: what may be kept outside the volume,
// because it holds no secret.
boost::json::object shape_of(const boost::json::object& config);

}  // namespace deployclaw::orchestrator
