#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/sha256.hpp"

// One request in the form in which it is shown, approved and recognised again. Pure.
namespace deployclaw::services {

// A request as it would be forwarded, but for its secrets: placeholders stand where they go. Views;
// the caller owns them.
struct PlainRequest {
  std::string_view method;
  std::string_view scheme;     // "https" or "http"
  std::string_view authority;  // canonical; as in the Host field
  std::string_view target;     // canonical path and query: http::CanonicalTarget::origin_form()
  std::span<const std::pair<std::string, std::string>> fields;  // those that are forwarded
  std::string_view body;
};

// Fields that say nothing of what is asked and differ from one sending to the next: User-Agent,
// Accept and Accept-*, Connection, TE, Date, Traceparent, Tracestate, X-Request-Id, X-Stainless-*.
bool is_volatile_field(std::string_view name);

// What a person's yes is about: SHA-256 over method, scheme, authority, target, every field that is
// not volatile, in order, and the body, each behind its length. Another byte anywhere is another
// digest.
crypto::Sha256Digest request_digest(const PlainRequest& request);

}  // namespace deployclaw::services
