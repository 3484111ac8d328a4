#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/branding/settings.hpp"
#include "api/services.hpp"
#include "http/router.hpp"

// What makes the pages an operator's own, without building them again.
namespace deployclaw::api {

// kInvalid, naming the setting and the rule it breaks.
Status check_branding(const Branding& branding);

// What stands for {{…}} in the static pages. `origin` is the public URL, without a last slash.
std::map<std::string, std::string, std::less<>> page_values(const Branding& branding,
                                                            std::string_view origin);

// The path of the logo on our own host; empty without one.
std::string logo_path(const Branding& branding);

// The text of /branding.css: custom properties, then the operator's own file `extra`.
std::string branding_css(const Branding& branding, std::string_view extra);

namespace branding {
// GET /api/branding, for everybody.
void add_routes(http::Router& router, Services& services);
}  // namespace branding

}  // namespace deployclaw::api
