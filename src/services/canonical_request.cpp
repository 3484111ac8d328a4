#include "services/canonical_request.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/encoding.hpp"
#include "http/ascii.hpp"

namespace deployclaw::services {
namespace {

constexpr std::string_view kDomain = "deployclaw/approval/v1";

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<unsigned char>(number >> shift));
  }
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out += text;
}

bool begins_ignoring_case(std::string_view text, std::string_view prefix) {
  return http::equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

}  // namespace

bool is_volatile_field(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames{"user-agent", "accept",      "connection",
                                                   "te",         "date",        "traceparent",
                                                   "tracestate", "x-request-id"};
  return begins_ignoring_case(name, "accept-") || begins_ignoring_case(name, "x-stainless-") ||
         std::ranges::any_of(kNames, [name](std::string_view one) {
           return http::equals_ignoring_case(one, name);
         });
}

crypto::Sha256Digest request_digest(const PlainRequest& request) {
  std::string out;
  out.reserve(request.body.size() + 4096);
  append_text(out, kDomain);
  for (const auto part : {request.method, request.scheme, request.authority, request.target}) {
    append_text(out, part);
  }
  const auto lasting = [](const auto& field) { return !is_volatile_field(field.first); };
  append_number(out, static_cast<std::uint64_t>(std::ranges::count_if(request.fields, lasting)));
  for (const auto& field : request.fields) {
    if (!lasting(field)) continue;
    append_text(out, field.first);
    append_text(out, field.second);
  }
  append_text(out, request.body);
  return crypto::sha256(bytes_of(out));
}

}  // namespace deployclaw::services
