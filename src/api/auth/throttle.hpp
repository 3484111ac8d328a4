#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/services.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"

// Five attempts in fifteen minutes, counted in the database so that a restart forgives nothing.
namespace deployclaw::api {

// What an attempt is counted under.
std::string network_key(std::string_view ip);
// By the address typed, whether an account has it or not: the count must not tell.
std::string account_key(std::string_view email);
std::string user_key(UserId user);

// Attempts that were counted and may be taken back.
using Attempts = std::vector<std::int64_t>;

// Counts one attempt of `kind` under each key before it is made. kRateLimited (reason
// too_many_attempts) when one of them is used up; those counted before it stay counted.
Task<Result<Attempts>> take_attempts(Services& services, std::string kind,
                                     std::vector<std::string> keys);

// Takes them back: the attempt succeeded, or trouble of ours left it undecided. A failure is logged
// and costs the caller an attempt, no more.
Task<void> refund_attempts(Services& services, Attempts attempts);

}  // namespace deployclaw::api
