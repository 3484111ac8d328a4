// What a token endpoint answers: three digits of status, then the body. A token that is taken is
// fit for a header and can be hidden in answers; a cause is one word that may be shown.
#include <cstdlib>

#include "services/token_request.hpp"

namespace {

namespace services = deployclaw::services;

void check(const deployclaw::Secret& token) {
  const auto text = token.expose_text();
  if (!services::is_oauth_text(text, services::kMostTokenBytes)) std::abort();
  if (text.size() < 8 || text.contains(' ')) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 3) return 0;
  int status = 0;
  for (std::size_t i = 0; i < 3; ++i) status = status * 10 + data[i] % 10;
  const std::string_view body(reinterpret_cast<const char*>(data) + 3, size - 3);
  const auto answer = services::parse_token_answer(status, body);
  if (!answer) {
    const auto& cause = answer.error().detail_key;
    if (cause.empty() || cause.size() > 40) std::abort();
    for (const char c : cause) {
      if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') std::abort();
    }
    return 0;
  }
  check(answer->access_token);
  if (!answer->refresh_token.empty()) check(answer->refresh_token);
  if (answer->lifetime.count() < 1) std::abort();
  return 0;
}
