#pragma once

#include "api/services.hpp"
#include "http/router.hpp"

namespace deployclaw::api::waitlist {

// POST /api/waitlist, for everybody: JSON is answered 202, a form (which works without scripts) is
// sent on to /waitlist-thanks. The answer is the same whether the address was known or not, and
// when the field that people do not see was filled in (then nothing is kept).
void add_routes(http::Router& router, Services& services);

}  // namespace deployclaw::api::waitlist
