#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace deployclaw::http {

// Extension members of a problem document (RFC 9457 §3.2), e.g. {"maxAge", 600}. They are public.
using ProblemMembers = std::vector<std::pair<std::string, boost::json::value>>;

// What a Code looks like from outside: the one place where codes become HTTP.
struct PublicCode {
  int status;
  std::string_view code;    // default `code` member when Error::reason is empty
  std::string_view title;   // `title` member
  std::string_view detail;  // generic `detail` when Error::public_detail is empty
};
const PublicCode& public_code(Code code);

// application/problem+json for `error`. Error::message never leaves: `detail` is public_detail or
// the generic sentence of the code. Adds Retry-After from retry_after_seconds.
Response problem(const Error& error, std::string_view request_id, ProblemMembers members = {});

// For HTTP-level refusals that have no Code of their own (405, 408, 417, 431, 505).
// `detail` must be fit for the public.
Response problem_with_status(int status, std::string_view code, std::string_view detail,
                             std::string_view request_id);

// The reason phrase of a status (RFC 9110 §15), "" when unknown.
std::string_view reason_phrase(int status);

// application/json with `value` as its body.
Response json_response(int status, const boost::json::value& value);

}  // namespace deployclaw::http
