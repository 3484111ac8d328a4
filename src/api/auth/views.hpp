#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "api/context.hpp"

// How the contract shows users and clients.
namespace deployclaw::api {

// {id, email, role, twoFactorEnabled, createdAt}
boost::json::object user_json(const Principal& principal);
// {id, name, plan, status, createdAt}
boost::json::object client_json(const Principal& principal);

}  // namespace deployclaw::api
