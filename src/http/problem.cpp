#include "http/problem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace deployclaw::http {
namespace json = boost::json;

const PublicCode& public_code(Code code) {
  static constexpr PublicCode kInvalid{422, "invalid", "Invalid input",
                                       "The request breaks a rule."};
  static constexpr PublicCode kMalformed{400, "malformed", "Malformed request",
                                         "The request could not be read."};
  static constexpr PublicCode kUnauthenticated{401, "unauthenticated", "Not signed in",
                                               "Sign in and try again."};
  static constexpr PublicCode kForbidden{403, "forbidden", "Not allowed",
                                         "You are not allowed to do this."};
  static constexpr PublicCode kNotFound{404, "not_found", "Not found",
                                        "There is nothing here, or nothing of yours."};
  static constexpr PublicCode kConflict{409, "conflict", "Conflict",
                                        "The request clashes with the present state."};
  static constexpr PublicCode kPrecondition{412, "precondition_failed", "Precondition failed",
                                            "The resource has changed since you read it."};
  static constexpr PublicCode kTooLarge{413, "too_large", "Too large",
                                        "The request is larger than is allowed."};
  static constexpr PublicCode kUnsupported{415, "unsupported", "Unsupported",
                                           "The request asks for something that is not supported."};
  static constexpr PublicCode kRateLimited{429, "rate_limited", "Too many requests",
                                           "Too many requests; come back later."};
  static constexpr PublicCode kUnavailable{503, "unavailable", "Unavailable",
                                           "A part of the service cannot answer now; try again."};
  static constexpr PublicCode kTimeout{504, "timeout", "Timed out",
                                       "A part of the service did not answer in time."};
  static constexpr PublicCode kCancelled{503, "cancelled", "Cancelled",
                                         "The work was cancelled before it was done."};
  static constexpr PublicCode kInternal{500, "internal", "Internal error",
                                        "Something went wrong on our side."};
  switch (code) {
    case Code::kInvalid:
      return kInvalid;
    case Code::kMalformed:
      return kMalformed;
    case Code::kUnauthenticated:
      return kUnauthenticated;
    case Code::kForbidden:
      return kForbidden;
    case Code::kNotFound:
      return kNotFound;
    case Code::kConflict:
      return kConflict;
    case Code::kPreconditionFailed:
      return kPrecondition;
    case Code::kTooLarge:
      return kTooLarge;
    case Code::kUnsupported:
      return kUnsupported;
    case Code::kRateLimited:
      return kRateLimited;
    case Code::kUnavailable:
      return kUnavailable;
    case Code::kTimeout:
      return kTimeout;
    case Code::kCancelled:
      return kCancelled;
    case Code::kCorrupt:  // that stored data does not verify is told to the operator alone
    case Code::kInternal:
      break;
  }
  return kInternal;
}

namespace {

Response write_problem(int status, std::string_view code, std::string_view title,
                       std::string_view detail, std::string_view request_id, json::object rest) {
  json::object document;
  document["type"] = "/problems/" + std::string(code);
  document["title"] = json::string_view(title);
  document["status"] = status;
  document["code"] = json::string_view(code);
  document["detail"] = json::string_view(detail);
  document["requestId"] = json::string_view(request_id);
  // Extensions never replace a standard member.
  for (auto& member : rest) document.insert(json::object::value_type(std::move(member)));
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/problem+json");
  response.headers.add("Cache-Control", "no-store");
  response.body = json::serialize(document);
  return response;
}

}  // namespace

Response problem(const Error& error, std::string_view request_id, ProblemMembers members) {
  const PublicCode& known = public_code(error.code);
  const std::string_view code = error.reason.empty() ? known.code : std::string_view(error.reason);
  const std::string_view detail =
      error.public_detail.empty() ? known.detail : std::string_view(error.public_detail);
  json::object rest;
  if (!error.fields.empty()) {
    json::array errors;
    for (const FieldError& field : error.fields) {
      json::object entry;
      entry["pointer"] = field.pointer;
      entry["detail"] = field.detail;
      errors.push_back(std::move(entry));
    }
    rest["errors"] = std::move(errors);
  }
  for (auto& [name, value] : members) rest[name] = std::move(value);
  Response response =
      write_problem(known.status, code, known.title, detail, request_id, std::move(rest));
  if (error.retry_after_seconds > 0) {
    response.headers.add("Retry-After", std::to_string(error.retry_after_seconds));
  }
  return response;
}

Response problem_with_status(int status, std::string_view code, std::string_view detail,
                             std::string_view request_id) {
  return write_problem(status, code, reason_phrase(status), detail, request_id, {});
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

Response json_response(int status, const json::value& value) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = json::serialize(value);
  return response;
}

}  // namespace deployclaw::http
