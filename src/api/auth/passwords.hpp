#pragma once

#include <string>
#include <string_view>

#include "api/services.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "http/fields.hpp"

// bcrypt off the I/O thread, with a bounded queue: a flood of logins must not pile up minutes of
// work. kUnavailable (busy) when the queue is full.
namespace deployclaw::api {

Task<Result<std::string>> hash_password(Services& services, Secret password);
Task<Result<bool>> verify_password(Services& services, Secret password, std::string hash);

// Reads a password that is being chosen: 12 to 256 characters, none of them a control character
// (there are no further rules of composition, NIST SP 800-63B §5.1.1.2), not the address itself.
Secret new_password(http::Fields& fields, std::string_view name, std::string_view email);
// Reads a password that is being proven.
Secret given_password(http::Fields& fields, std::string_view name);

}  // namespace deployclaw::api
