#include "api/idempotency.hpp"

#include <algorithm>
#include <memory>

#include "base/log.hpp"
#include "crypto/sha256.hpp"
#include "store/idempotency.hpp"

namespace deployclaw::api {
namespace json = boost::json;
namespace {

Result<std::string> read_key(std::string_view text) {
  const bool visible = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (text.empty() || text.size() > 255 || !visible) {
    return fail(Code::kMalformed, "idempotency_key_malformed",
                "Idempotency-Key must be 1 to 255 visible ASCII characters.");
  }
  return std::string(text);
}

// What makes two requests the same. Lengths keep the parts apart.
crypto::Sha256Digest request_hash(const http::Request& request) {
  std::string text;
  for (const std::string_view part :
       {http::to_string(request.method), std::string_view(request.path),
        std::string_view(request.query), std::string_view(request.body)}) {
    text += std::to_string(part.size()) + ":";
    text += part;
  }
  return crypto::sha256(bytes_of(text));
}

store::StoredAnswer to_stored(const Principal& principal, const http::Response& response) {
  json::object headers;
  for (const auto& [name, value] : response.headers.all()) headers[name] = value;
  return {.user = principal.user,
          .key = principal.idempotency_key,
          .claim = principal.idempotency_claim,
          .status = response.status,
          .headers = std::move(headers),
          .body = response.body};
}

http::Response replay(store::IdempotencyClaim claim) {
  http::Response response;
  response.status = claim.status;
  for (const auto& [name, value] : claim.headers) {
    if (value.is_string()) response.headers.add(std::string(name), std::string(value.get_string()));
  }
  response.headers.set("Idempotency-Replayed", "true");
  response.body = std::move(claim.body);
  return response;
}

bool is_kept(const http::Response& response) {
  return response.status < 500 && response.status != 429 && !response.stream;
}

// The answer as it will be sent, kept or the key given back. A failure here is logged, not told:
// the request itself has been carried out.
Task<void> settle(Services& services, Principal principal, http::Response response) {
  if (is_kept(response)) {
    auto answer = to_stored(principal, response);
    const auto stored =
        co_await store::store_answer(services.db, principal.client, std::move(answer));
    if (!stored) log::warn("answer not stored", {{"cause", stored.error().message}});
    co_return;
  }
  const auto released = co_await store::release_idempotency_key(
      services.db, principal.client, principal.user, principal.idempotency_key,
      principal.idempotency_claim);
  if (!released) log::warn("key not released", {{"cause", released.error().message}});
}

Task<Result<http::Response>> run_once(Services& services, std::shared_ptr<const Action> action,
                                      Principal principal, http::Request request) {
  const auto header = request.headers.get("idempotency-key");
  if (!header) {
    auto answer = co_await (*action)(std::move(principal), std::move(request));
    co_return answer;
  }
  auto key = read_key(*header);
  if (!key) co_return fail(std::move(key.error()));
  const auto hash = request_hash(request);
  auto claim = co_await store::claim_idempotency_key(services.db, principal.client, principal.user,
                                                     *key, hash);
  if (!claim) co_return fail(std::move(claim.error()));
  using Kind = store::IdempotencyClaim::Kind;
  switch (claim->kind) {
    case Kind::kStored:
      co_return replay(std::move(*claim));
    case Kind::kOther:
      co_return fail(Code::kInvalid, "idempotency_key_reused",
                     "This Idempotency-Key was used for another request.");
    case Kind::kRunning: {
      Error running{.code = Code::kConflict, .message = "idempotent request still running"};
      running.reason = "idempotency_in_progress";
      running.public_detail = "The first request with this Idempotency-Key is still running.";
      running.retry_after_seconds = 1;
      co_return fail(std::move(running));
    }
    case Kind::kClaimed:
      break;
  }

  principal.idempotency_key = std::move(*key);
  principal.idempotency_claim = std::move(claim->claim);
  Principal asker = principal;
  auto answer = co_await (*action)(std::move(principal), std::move(request));
  http::Response response =
      answer ? std::move(*answer) : to_problem(answer.error(), asker.request_id);
  co_await settle(services, std::move(asker), response);
  co_return response;
}

}  // namespace

Action idempotent(Services& services, Action action) {
  auto shared = std::make_shared<const Action>(std::move(action));
  return [&services, shared](Principal principal, http::Request request) {
    return run_once(services, shared, std::move(principal), std::move(request));
  };
}

Task<Status> record_answer(db::Transaction& transaction, const Principal& principal,
                           const http::Response& response) {
  if (principal.idempotency_key.empty()) co_return Status{};
  auto answer = to_stored(principal, response);
  const auto stored = co_await store::store_answer(transaction, std::move(answer));
  if (!stored) co_return fail(stored.error());
  if (!*stored) {
    co_return fail(Code::kConflict, "idempotency_in_progress",
                   "Another request with this Idempotency-Key is running.");
  }
  co_return Status{};
}

}  // namespace deployclaw::api
