#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/canonical_request.hpp"
#include "services/policy.hpp"

namespace deployclaw::services {

inline constexpr std::size_t kMostRendered = 4UL * 1024 * 1024;

// A request as a person is to see it, whole: a JSON text
//   {"request": {"method", "url", "headers": [[name, value]…],
//                "body": {"encoding": "none" | "text" | "hex", "content", "bytes"}},
//    "message": {"kind", "from", "recipients": [{"role", "address"}…], "subject", "text", "html",
//                "attachments": [{"name", "type", "bytes"}…]} | null,
//    "warnings": [text…]}
// `message` reads what message_text() knows of `service`; `request` has everything in any case. A
// placeholder of `credentials` is shown as "[credential NAME]", and every text is visible_text().
// At most kMostRendered bytes of valid UTF-8 without NUL; kTooLarge ("approval_too_large") when it
// would be more.
Result<std::string> render_request(const PlainRequest& request, std::string_view service,
                                   std::span<const AgentCredential> credentials);

}  // namespace deployclaw::services
