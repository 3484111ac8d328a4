#pragma once

#include <string>
#include <string_view>

#include "scrub/form.hpp"
#include "scrub/pattern_index.hpp"

namespace deployclaw::scrub {

// What takes the place of a value found as `found`: exactly as many bytes. `form` says how it was
// found. The placeholder in the value's coding when no character was escaped, else plain; cut or
// padded with '*'. Holds nothing of the value.
std::string replacement_for(const PatternIndex& index, const Pattern& pattern, Form form,
                            std::string_view found);

}  // namespace deployclaw::scrub
