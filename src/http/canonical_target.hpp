#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/authority.hpp"

namespace deployclaw::http {

inline constexpr std::size_t kLongestTarget = 16 * 1024;
inline constexpr std::size_t kMostSegments = 128;

// A request target in the one spelling that is decided upon and forwarded. Two targets that a
// server could take for the same resource have one canonical form, or are refused.
struct CanonicalTarget {
  // Begins with '/'. Percent escapes of unreserved characters are decoded, others are in upper
  // case; no dot segment, no empty segment but a last one ("/a/").
  std::string path;
  std::optional<std::string> query;  // without '?', escapes as in the path; "" for a lone '?'
  // Of an absolute-form target (RFC 9112 §3.2.2).
  std::optional<Authority> authority;
  bool https = false;  // absolute-form only: its scheme

  // "/path?query": what goes upstream.
  [[nodiscard]] std::string origin_form() const;
};

// Reads an origin-form ("/a?b") or absolute-form ("http://host/a?b") target. kMalformed, with
// public detail and reason "malformed_target", for what two servers could read differently: a raw
// or encoded backslash, an encoded slash, NUL or control character in the path, an escape that
// decodes to the beginning of another escape of '/', '.', '\', '%' or a control ("%252F"), ".."
// above the root, a dot segment beside a ';' anywhere in the path, an empty segment, invalid UTF-8
// behind the path's escapes, raw non-ASCII, space or control characters, a bad escape, an encoded
// NUL in the query, a fragment, userinfo, IP addresses unless accepted, more than kLongestTarget
// bytes or kMostSegments segments. Printable characters that RFC 3986 has no place for ('"', '<',
// '[', …) are encoded.
//
// Idempotent: the origin form of a canonical target reads as itself. O(n), allocates O(n).
Result<CanonicalTarget> canonical_target(std::string_view target,
                                         Addresses addresses = Addresses::kRefuse);

// The segments of a canonical path, as views into it: "/a/b" has {"a", "b"}, "/a/" has {"a", ""},
// "/" has {""}. Lives on the stack: no allocation.
class PathSegments {
 public:
  // `path` is canonical; what is behind its kMostSegments-th segment is in the last one.
  explicit PathSegments(std::string_view path);
  [[nodiscard]] std::span<const std::string_view> all() const { return {segments_.data(), count_}; }

 private:
  std::array<std::string_view, kMostSegments> segments_;
  std::size_t count_ = 0;
};

}  // namespace deployclaw::http
