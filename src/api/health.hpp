#pragma once

#include <boost/json/object.hpp>
#include <functional>

#include "api/services.hpp"
#include "http/router.hpp"

namespace deployclaw::api {

// {newest, versions: […]} as vault::VaultClient::status answers it.
using VaultStatus = std::function<Task<Result<boost::json::object>>()>;

// GET /healthz: 200 as long as the process serves at all. GET /readyz: 200 when database,
// migrations and vault are there, else 503; the body names each: {status, checks: [{name, status,
// detail}]}. Both tell nothing that a stranger should not know.
void add_health_routes(http::Router& router, Services& services, VaultStatus vault_status);

// GET /metrics, for the internal listener alone.
void add_metrics_route(http::Router& router, Services& services);

}  // namespace deployclaw::api
