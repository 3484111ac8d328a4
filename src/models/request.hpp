#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "models/endpoint.hpp"

namespace deployclaw::models {

// What the body of a model call says about what it may cost. Numbers are bounds from above.
struct ModelRequest {
  std::string model;
  bool streams = false;
  bool wants_usage = false;      // the agent itself asked for usage in the stream
  std::uint64_t text_bytes = 0;  // a tokenizer makes no more tokens than bytes
  std::uint64_t images = 0;
  bool audio = false;      // spoken input
  bool unbounded = false;  // refers to what is not in the body: as much as the model can read
  bool caches = false;     // puts its input into a cache
  bool caches_hour = false;
  std::uint64_t answers = 1;                 // that are asked for at once
  std::optional<std::uint64_t> most_output;  // as asked, for each answer
  std::uint64_t least_output = 0;            // below it the service refuses the call
};

// Tokens that a provider adds to a conversation: templates, roles, the preamble for tools.
inline constexpr std::uint64_t kAddedTokens = 2048;

// Reads a body that has passed http::parse_json. `bytes` is its size as sent. kForbidden or
// kInvalid, safe to show, for what cannot be held to a spend limit: faster tiers at other prices,
// work that goes on after the call, tools that the provider runs and bills itself, spoken answers,
// fields whose spelling a provider could read another way. Pure.
Result<ModelRequest> analyse(std::string_view service, const Endpoint& endpoint,
                             const boost::json::object& body, std::size_t bytes);

// The member that holds the limit of the output: "max_tokens", or below "generationConfig".
struct OutputField {
  std::vector<std::string> names;         // all that are obeyed; every one there is is rewritten
  std::string added;                      // put in when none is there
  std::vector<std::string> parents = {};  // spellings of the object that it is in; none: the top
};
OutputField output_field(std::string_view service, Dialect dialect);

// A body's fields as protobuf and lenient readers compare them: no case, no '_'.
std::string folded(std::string_view key);

}  // namespace deployclaw::models
