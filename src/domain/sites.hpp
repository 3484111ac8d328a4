#pragma once

#include <string_view>

namespace deployclaw::domain {

// Whether a browser sees two host names as one site: their registrable domains (by the public
// suffix list) are the same. Names without one, and addresses, are a site of their own. Lower case.
bool is_same_site(std::string_view a, std::string_view b);

}  // namespace deployclaw::domain
