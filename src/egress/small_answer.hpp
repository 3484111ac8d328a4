#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "egress/stream_reader.hpp"

// Requests that the gateway makes itself, and their answers, which are read whole. Errors are
// kUnavailable and have their cause in Error::detail_key: "upstream_failed", "answer_malformed" or
// "answer_too_large". The stream's deadline bounds it all.
namespace deployclaw::egress {

// Sends a whole request (`method` is its) and reads the head of the final answer.
Task<Result<http::ResponseHead>> ask_upstream(StreamReader& reader, std::string_view request,
                                              http::Method method);

// The body behind that head, at most `most` bytes of it.
Task<Result<std::string>> read_small_body(StreamReader& reader, http::BodyFraming framing,
                                          std::size_t most);

}  // namespace deployclaw::egress
