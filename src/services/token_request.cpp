#include "services/token_request.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "base/encoding.hpp"
#include "domain/sensitive_config.hpp"
#include "http/ascii.hpp"
#include "http/json_body.hpp"
#include "http/url.hpp"

namespace deployclaw::services {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kUnsaidLifetime{3600};
constexpr std::chrono::seconds kLongestLifetime = std::chrono::days(3650);
constexpr std::size_t kLeastTokenBytes = 8;  // shorter ones could not be hidden in answers

// Text that grows without leaving copies behind, and is wiped.
class WipedText {
 public:
  explicit WipedText(std::size_t room) { text_.reserve(room); }
  ~WipedText() { wipe_string(text_); }
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;

  WipedText& plain(std::string_view text) {
    text_ += text;
    return *this;
  }
  WipedText& encoded(std::string_view text) {
    auto form = http::percent_encode(text);
    text_ += form;
    wipe_string(form);
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] Secret take() { return Secret::take(std::move(text_)); }

 private:
  std::string text_;
};

std::size_t room_of(const OAuthGrant& grant) {
  return 3 * (grant.client_id.size() + grant.client_secret.size() + grant.refresh_token.size()) +
         128;
}

void put_body(WipedText& out, const OAuth& oauth, const OAuthGrant& grant) {
  out.plain("grant_type=refresh_token&refresh_token=").encoded(grant.refresh_token.expose_text());
  if (oauth.basic_client && !grant.client_secret.empty()) return;
  out.plain("&client_id=").encoded(grant.client_id);
  if (grant.client_secret.empty()) return;
  out.plain("&client_secret=").encoded(grant.client_secret.expose_text());
}

// RFC 6749 §2.3.1: both halves are form-encoded before they are put together.
void put_basic(WipedText& out, const OAuthGrant& grant) {
  WipedText pair(room_of(grant));
  pair.encoded(grant.client_id).plain(":").encoded(grant.client_secret.expose_text());
  auto base64 = base64_encode(bytes_of(pair.text()));
  out.plain("Authorization: Basic ").plain(base64).plain("\r\n");
  wipe_string(base64);
}

// ---- The answer.

Error refused(Code code, std::string cause) {
  return {.code = code,
          .message = "the token endpoint refused: " + cause,
          .detail_key = std::move(cause)};
}

// Members of an answer's object; the text is wiped when this ends.
class Answer {
 public:
  explicit Answer(json::value value) : value_(std::move(value)) {}
  ~Answer() { domain::wipe_strings(value_); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  [[nodiscard]] const json::value* find(std::string_view name) const {
    const auto* object = value_.if_object();
    return object == nullptr ? nullptr
                             : object->if_contains(json::string_view(name.data(), name.size()));
  }
  [[nodiscard]] std::string_view text(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr || !value->is_string()) return {};
    return {value->get_string().data(), value->get_string().size()};
  }

 private:
  json::value value_;
};

bool is_error_code(std::string_view text) {
  return !text.empty() && text.size() <= 40 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

bool is_temporary(std::string_view error) {
  constexpr std::array<std::string_view, 10> kTemporary = {"temporarily_unavailable",
                                                           "server_error",
                                                           "slow_down",
                                                           "rate_limited",
                                                           "ratelimited",
                                                           "internal_error",
                                                           "fatal_error",
                                                           "internal_failure",
                                                           "service_unavailable",
                                                           "request_timeout"};
  return std::ranges::find(kTemporary, error) != kTemporary.end();
}

Error refusal(int status, std::string_view error) {
  const bool answers_the_grant =
      status == 200 || status == 400 || status == 401 || status == 403 || status == 404;
  const bool has_code = is_error_code(error);
  auto cause = has_code ? std::string(error) : "status_" + std::to_string(status);
  const bool for_good = answers_the_grant && !(has_code && is_temporary(error));
  return refused(for_good ? Code::kForbidden : Code::kUnavailable, std::move(cause));
}

std::optional<Secret> token_of(const Answer& answer, std::string_view name) {
  const auto text = answer.text(name);
  if (!is_oauth_text(text, kMostTokenBytes) || text.size() < kLeastTokenBytes) return std::nullopt;
  // It goes into a header as one word.
  if (text.contains(' ')) return std::nullopt;
  return Secret::copy_of(text);
}

// A whole number, or one in a string as some servers have it.
std::optional<std::chrono::seconds> lifetime_of(const Answer& answer) {
  const auto* value = answer.find("expires_in");
  if (value == nullptr || value->is_null()) return kUnsaidLifetime;
  std::int64_t seconds = 0;
  if (value->is_int64()) {
    seconds = value->get_int64();
  } else if (const auto text = answer.text("expires_in"); !text.empty() && text.size() <= 10) {
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      seconds = seconds * 10 + (c - '0');
    }
  }
  if (seconds <= 0) return std::nullopt;
  return std::min(std::chrono::seconds(seconds), kLongestLifetime);
}

// A token of another type would have to be sent in another way (RFC 6749 §7.1).
bool is_bearer(std::string_view type) {
  return type.empty() || http::equals_ignoring_case(type, "bearer") || type == "bot" ||
         type == "user";
}

}  // namespace

Secret token_request(const OAuth& oauth, const OAuthGrant& grant) {
  WipedText body(room_of(grant));
  put_body(body, oauth, grant);
  WipedText out(body.text().size() + 2 * room_of(grant) + 512);
  out.plain("POST ").plain(oauth.path).plain(" HTTP/1.1\r\nHost: ").plain(oauth.authority());
  out.plain("\r\nUser-Agent: DeployClaw\r\nAccept: application/json\r\n");
  if (oauth.basic_client && !grant.client_secret.empty()) put_basic(out, grant);
  out.plain("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ");
  out.plain(std::to_string(body.text().size())).plain("\r\nConnection: close\r\n\r\n");
  out.plain(body.text());
  return out.take();
}

Result<TokenAnswer> parse_token_answer(int status, std::string_view body) {
  if (status >= 300 && status < 400) return fail(refused(Code::kUnavailable, "redirected"));
  auto parsed = http::parse_json(body, {.max_bytes = kMostTokenAnswer, .max_depth = 16});
  const bool is_object = parsed && parsed->is_object();
  const Answer answer(is_object ? std::move(*parsed) : json::value(json::object()));
  const auto* ok = answer.find("ok");
  // Some say no under 200.
  const bool says_no = (ok != nullptr && !(ok->is_bool() && ok->get_bool())) ||
                       (answer.find("access_token") == nullptr && answer.find("error") != nullptr);
  if (status != 200 || says_no) return fail(refusal(status, answer.text("error")));
  const auto malformed = [] { return fail(refused(Code::kUnavailable, "answer_malformed")); };
  auto access = token_of(answer, "access_token");
  const auto lifetime = lifetime_of(answer);
  if (!access || !lifetime || !is_bearer(answer.text("token_type"))) return malformed();
  TokenAnswer out{.access_token = std::move(*access), .lifetime = *lifetime};
  if (const auto* again = answer.find("refresh_token"); again != nullptr && !again->is_null()) {
    auto refresh = token_of(answer, "refresh_token");
    if (!refresh) return malformed();
    out.refresh_token = std::move(*refresh);
  }
  return out;
}

}  // namespace deployclaw::services
