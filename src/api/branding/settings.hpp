#pragma once

#include <string>

namespace deployclaw::api {

// Section [branding] of the configuration file, checked by check_branding().
struct Branding {
  std::string name = "DeployClaw";
  std::string logo_file = {};      // .svg, .png or .webp; empty: the project's own
  std::string support_email = {};  // empty: none is shown
  std::string accent = {};         // #rgb or #rrggbb; empty: the project's own
  std::string css_file = {};       // appended to /branding.css
  std::string book_call_url = {};  // https://…; empty: no link
  // The site that visits are counted for at Plausible; empty: nothing is counted and no other host
  // is ever asked.
  std::string plausible_domain = {};
  std::string plausible_url = "https://plausible.io";  // where its script comes from
};

}  // namespace deployclaw::api
