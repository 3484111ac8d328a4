#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "services/path_pattern.hpp"

// Names what a request is about (a recipient, a file, a channel) for the audit log, out of bytes
// that an agent chose. Pure, bounded, never fails: what cannot be read is "unknown".
namespace deployclaw::services {

inline constexpr std::size_t kLongestTargetText = 512;

// A request's body as far as it is known. Views.
struct BodyFacts {
  std::string_view content_type;
  std::string_view bytes;
  const boost::json::value* json = nullptr;  // `bytes`, when somebody has read them already
};

struct TargetFacts {
  std::string_view host;
  std::string_view path;   // canonical
  std::string_view query;  // without '?'
  const Captures* captures = nullptr;
  const BodyFacts* body = nullptr;  // not known (yet)
};

// Fills a rule's target. A template is text with {source} in it, or {source|source|…}, of which the
// first that has a value counts:
//   {name}         the path's capture; also {host}, {path} and {last} (segment)
//   {query:key}    of the query, decoded
//   {body:/a/*/b}  of the JSON body, by pointer (RFC 6901); "*" is every element of an array
//   {form:key}     of an application/x-www-form-urlencoded or multipart/form-data body
//   {mime:/raw:to,cc}  header fields of the e-mail message (RFC 5322) that is the base64url string
//                  at that pointer of the JSON body; without a pointer ({mime::to}) the body itself
// Several values are joined by ", ". At most kLongestTargetText bytes of UTF-8; control, format and
// bidirectional characters and bytes that are no UTF-8 become U+FFFD.
std::string name_target(std::string_view text, const TargetFacts& facts);

// Whether a template has a source in the body.
bool names_body(std::string_view text);

// What is wrong with a template, "" when nothing is. `has_capture(name)` answers for the paths.
template <class HasCapture>
std::string check_target_template(std::string_view text, HasCapture has_capture);

// "" when `source` is well-formed and not a plain name, "name" when it is one, else what is wrong.
std::string check_target_source(std::string_view source);

template <class HasCapture>
std::string check_target_template(std::string_view text, HasCapture has_capture) {
  while (text.contains('{')) {
    text.remove_prefix(text.find('{') + 1);
    const auto close = text.find('}');
    if (close == std::string_view::npos) return "has an open brace";
    auto sources = text.substr(0, close);
    text.remove_prefix(close + 1);
    while (true) {
      const auto bar = sources.find('|');
      const auto source = sources.substr(0, bar);
      const auto verdict = check_target_source(source);
      if (verdict == "name") {
        const bool known = source == "host" || source == "path" || source == "last";
        if (!known && !has_capture(source)) {
          return "not every path has {" + std::string(source) + "}";
        }
      } else if (!verdict.empty()) {
        return verdict;
      }
      if (bar == std::string_view::npos) break;
      sources.remove_prefix(bar + 1);
    }
  }
  return {};
}

}  // namespace deployclaw::services
