#include "api/auth/throttle.hpp"

#include "api/client_address.hpp"
#include "base/log.hpp"
#include "crypto/sha256.hpp"
#include "store/attempts.hpp"

namespace deployclaw::api {

std::string network_key(std::string_view ip) { return "network:" + attempt_network(ip); }

// Hashed: the table need not hold addresses of people who have no account here.
std::string account_key(std::string_view email) {
  return "account:" + crypto::sha256_hex(bytes_of(email));
}

std::string user_key(UserId user) { return "user:" + user.to_string(); }

Task<Result<Attempts>> take_attempts(Services& services, std::string kind,
                                     std::vector<std::string> keys) {
  Attempts attempts;
  for (const auto& key : keys) {
    auto taken = co_await store::take_attempt(services.db, kind, key, limits::kAttempts,
                                              limits::kAttemptWindow);
    if (!taken) co_return fail(std::move(taken.error()));
    attempts.push_back(*taken);
  }
  co_return attempts;
}

Task<void> refund_attempts(Services& services, Attempts attempts) {
  for (const auto attempt : attempts) {
    const auto refunded = co_await store::refund_attempt(services.db, attempt);
    if (!refunded) log::warn("attempt not refunded", {{"cause", refunded.error().message}});
  }
}

}  // namespace deployclaw::api
