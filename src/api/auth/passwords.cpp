#include "api/auth/passwords.hpp"

#include <memory>

#include "api/auth/email.hpp"

namespace deployclaw::api {
namespace {

Status room_in_queue(Services& services) {
  if (services.hashing.queued() < services.config.max_queued_hashes) return {};
  Error error{.code = Code::kUnavailable, .message = "password hashing queue is full"};
  error.reason = "busy";
  error.public_detail = "Too many people are signing in at this moment. Try again shortly.";
  error.retry_after_seconds = 2;
  return fail(std::move(error));
}

}  // namespace

Task<Result<std::string>> hash_password(Services& services, Secret password) {
  if (auto room = room_in_queue(services); !room) co_return fail(std::move(room.error()));
  const auto shared = std::make_shared<const Secret>(std::move(password));
  std::function<Result<std::string>()> work = [shared, &hasher = services.passwords] {
    return hasher.hash(*shared);
  };
  auto hash = co_await run_blocking(services.hashing, std::move(work));
  co_return hash;
}

Task<Result<bool>> verify_password(Services& services, Secret password, std::string hash) {
  if (auto room = room_in_queue(services); !room) co_return fail(std::move(room.error()));
  const auto shared = std::make_shared<const Secret>(std::move(password));
  std::function<Result<bool>()> work = [shared, hash = std::move(hash),
                                        &hasher = services.passwords]() -> Result<bool> {
    return hasher.verify(*shared, hash);
  };
  auto verified = co_await run_blocking(services.hashing, std::move(work));
  co_return verified;
}

Secret new_password(http::Fields& fields, std::string_view name, std::string_view email) {
  auto text = fields.required_string(name, {.min = 12, .max = 256});
  if (!text.empty() && normalise_email(text) == email) {
    fields.error(name, "must not be your e-mail address");
  }
  return Secret::take(std::move(text));
}

Secret given_password(http::Fields& fields, std::string_view name) {
  return Secret::take(fields.required_string(name, {.min = 1, .max = 256}));
}

}  // namespace deployclaw::api
