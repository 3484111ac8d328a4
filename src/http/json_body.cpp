#include "http/json_body.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <string>
#include <unordered_set>
#include <vector>

#include "http/ascii.hpp"

namespace deployclaw::http {
namespace json = boost::json;
namespace {

// Builds a value while it watches for what Boost.JSON's own parser lets pass: duplicate keys (it
// keeps the last), NUL in strings, integers that overflow (it makes them doubles).
class Builder {
 public:
  static constexpr std::size_t max_object_size = 0x7ffffffe;
  static constexpr std::size_t max_array_size = 0x7ffffffe;
  static constexpr std::size_t max_key_size = 0x7ffffffe;
  static constexpr std::size_t max_string_size = 0x7ffffffe;

  // Set when a callback stopped the parser.
  Error refusal;
  bool refused = false;

  json::value release() { return stack_.release(); }
  void start() { stack_.reset(); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    frames_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t n, json::error_code&) {
    frames_.pop_back();
    stack_.push_object(n);
    return value_done();
  }
  bool on_array_begin(json::error_code&) {
    frames_.emplace_back().is_array = true;
    return true;
  }
  bool on_array_end(std::size_t n, json::error_code&) {
    frames_.pop_back();
    stack_.push_array(n);
    return value_done();
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code& ec) {
    text_.append(part.data(), part.size());
    return accept_text(part, ec);
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    text_.append(part.data(), part.size());
    if (!accept_text(part, ec)) return false;
    Frame& frame = frames_.back();
    frame.key = std::move(text_);
    text_.clear();
    if (!frame.keys.insert(frame.key).second) {
      return refuse(ec, Error{.code = Code::kInvalid,
                              .message = "duplicate key in JSON body",
                              .reason = "validation_failed",
                              .public_detail = "A field appears twice.",
                              .fields = {{pointer(), "appears twice"}}});
    }
    stack_.push_key(json::string_view(frame.key));
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code& ec) {
    stack_.push_chars(part);
    return accept_text(part, ec);
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    if (!accept_text(part, ec)) return false;
    stack_.push_string(part);
    return value_done();
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    text_.clear();
    stack_.push_int64(number);
    return value_done();
  }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
    text_.clear();
    stack_.push_uint64(number);
    return value_done();
  }
  bool on_double(double number, json::string_view part, json::error_code& ec) {
    text_.append(part.data(), part.size());
    const bool is_integer = text_.find_first_of(".eE") == std::string::npos;
    text_.clear();
    if (is_integer || !std::isfinite(number)) {
      return refuse(ec, Error{.code = Code::kInvalid,
                              .message = "number in JSON body out of range",
                              .reason = "validation_failed",
                              .public_detail = "A number is out of range.",
                              .fields = {{pointer(), "is out of range"}}});
    }
    stack_.push_double(number);
    return value_done();
  }
  bool on_bool(bool value, json::error_code&) {
    stack_.push_bool(value);
    return value_done();
  }
  bool on_null(json::error_code&) {
    stack_.push_null();
    return value_done();
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Frame {
    bool is_array = false;
    std::size_t index = 0;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool value_done() {
    if (!frames_.empty() && frames_.back().is_array) ++frames_.back().index;
    return true;
  }
  bool accept_text(json::string_view part, json::error_code& ec) {
    if (part.find('\0') == json::string_view::npos) return true;
    return refuse(ec, Error{.code = Code::kMalformed,
                            .message = "NUL in JSON text",
                            .reason = "malformed_json",
                            .public_detail = "A text in the body holds U+0000."});
  }
  bool refuse(json::error_code& ec, Error error) {
    refusal = std::move(error);
    refused = true;
    ec = json::error::syntax;
    return false;
  }
  [[nodiscard]] std::string pointer() const {
    std::string out;
    for (const Frame& frame : frames_) {
      out = json_pointer(out, frame.is_array ? std::to_string(frame.index) : frame.key);
    }
    return out;
  }

  json::value_stack stack_;
  std::vector<Frame> frames_;
  std::string text_;  // a key or number that came in parts
};

}  // namespace

std::string json_pointer(std::string_view base, std::string_view token) {
  std::string out(base);
  out += '/';
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

Result<json::value> parse_json(std::string_view bytes, JsonLimits limits) {
  if (bytes.size() > limits.max_bytes) {
    return fail(Code::kTooLarge, "too_large", "The body is larger than is allowed.");
  }
  json::parse_options options;
  // The parser counts a scalar as no depth and stops when it would enter level max_depth + 1.
  options.max_depth = limits.max_depth;
  json::basic_parser<Builder> parser(options);
  parser.handler().start();
  json::error_code ec;
  const std::size_t consumed = parser.write_some(false, bytes.data(), bytes.size(), ec);
  if (parser.handler().refused) return fail(std::move(parser.handler().refusal));
  if (ec == json::error::too_deep) {
    return fail(Code::kMalformed, "malformed_json", "The body is nested too deeply.");
  }
  if (ec) {
    return fail(Code::kMalformed, "malformed_json",
                "The body is not valid JSON near byte " + std::to_string(consumed) + ".");
  }
  if (consumed < bytes.size()) {
    return fail(Code::kMalformed, "malformed_json", "Something follows the JSON value.");
  }
  return parser.handler().release();
}

bool has_json_content_type(const Request& request) {
  if (request.headers.count("content-type") != 1) return false;
  const std::string_view value = *request.headers.get("content-type");
  const auto end = value.find(';');
  if (!equals_ignoring_case(trim_ows(value.substr(0, end)), "application/json")) return false;
  if (end == std::string_view::npos) return true;
  const std::string_view parameter = trim_ows(value.substr(end + 1));
  return equals_ignoring_case(parameter, "charset=utf-8") ||
         equals_ignoring_case(parameter, "charset=\"utf-8\"");
}

Result<json::object> json_object_body(const Request& request, JsonLimits limits) {
  if (!has_json_content_type(request)) {
    return fail(Code::kUnsupported, "unsupported_media_type",
                "Send the body as Content-Type: application/json.");
  }
  auto value = parse_json(request.body, limits);
  if (!value) return fail(std::move(value.error()));
  if (!value->is_object()) {
    return fail(Error{.code = Code::kInvalid,
                      .message = "JSON body is not an object",
                      .reason = "validation_failed",
                      .public_detail = "The body must be a JSON object.",
                      .fields = {{"", "must be an object"}}});
  }
  return std::move(value->as_object());
}

}  // namespace deployclaw::http
