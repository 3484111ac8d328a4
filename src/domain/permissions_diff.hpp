#pragma once

#include <boost/json/object.hpp>

#include "domain/permissions.hpp"

namespace deployclaw::domain {

// What a change of permissions comes to, for the audit log: only what differs is there, and no
// order counts.
//   {"scopes": {"added": […], "removed": […]}, "allowedDomains": {…}, "approval": {…},
//    "rateLimits": {"email:send": {"from": {…} | null, "to": {…} | null}},
//    "maxDailyTokenSpend": {"from": 5 | null, "to": 10 | null}}
// null: not set, so that the default holds. Empty when nothing differs. Pure.
boost::json::object diff(const Permissions& before, const Permissions& after);

}  // namespace deployclaw::domain
