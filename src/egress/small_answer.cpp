#include "egress/small_answer.hpp"

#include "base/secret.hpp"
#include "egress/worker_shared.hpp"

namespace deployclaw::egress {
namespace {

std::unexpected<Error> failed(std::string cause) {
  return fail(Error{.code = Code::kUnavailable, .message = cause, .detail_key = std::move(cause)});
}

}  // namespace

Task<Result<http::ResponseHead>> ask_upstream(StreamReader& reader, std::string_view request,
                                              http::Method method) {
  const auto sent = co_await write_rest(reader.stream(), request);
  if (!sent) co_return failed("upstream_failed");
  while (true) {
    const auto text = co_await reader.take_head(kMostHead);
    if (!text || text->empty()) co_return failed("upstream_failed");
    auto head = http::parse_response_head(*text, method);
    if (!head || head->status == 101) co_return failed("answer_malformed");
    if (head->status >= 200) co_return std::move(*head);  // 1xx: none was asked for
  }
}

Task<Result<std::string>> read_small_body(StreamReader& reader, http::BodyFraming framing,
                                          std::size_t most) {
  BodyReader body(reader, framing);
  std::string whole(most + 1, '\0');
  std::size_t size = 0;
  while (size < whole.size()) {
    const auto got = co_await body.read(whole.data() + size, whole.size() - size);
    if (!got) {
      wipe_string(whole);
      co_return failed("upstream_failed");
    }
    if (*got == 0) break;
    size += *got;
  }
  if (size > most) {
    wipe_string(whole);
    co_return failed("answer_too_large");
  }
  whole.resize(size);
  co_return whole;
}

}  // namespace deployclaw::egress
