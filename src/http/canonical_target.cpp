#include "http/canonical_target.hpp"

#include <algorithm>
#include <vector>

#include "base/encoding.hpp"
#include "http/ascii.hpp"
#include "http/url.hpp"

namespace deployclaw::http {
namespace {

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::kMalformed, "malformed_target", "The request target " + std::string(why) + ".");
}

enum class Part : std::uint8_t { kPath, kQuery };

// What may stand unencoded: pchar and '/' (RFC 3986 §3.3), in a query also '?'.
bool may_stand(char c, Part part) {
  constexpr std::string_view kOthers = "!$&'()*+,;=:@/";
  return is_unreserved(c) || kOthers.contains(c) || (part == Part::kQuery && c == '?');
}

void append_escape(std::string& out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  out += '%';
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 15U];
}

// One escape, decoded; -1 when it is bad.
int escape_at(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

Result<std::string> normalise_escapes(std::string_view raw, Part part) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '%') {
      const int value = escape_at(raw, i);
      if (value < 0) return refuse("has a bad percent escape");
      const auto decoded = static_cast<char>(value);
      if (decoded == '\0') return refuse("has an encoded NUL");
      if (part == Part::kPath && (decoded == '/' || decoded == '\\' || is_control(decoded))) {
        return refuse("has an encoded slash, backslash or control character in its path");
      }
      if (is_unreserved(decoded)) {
        out += decoded;
      } else {
        append_escape(out, static_cast<unsigned char>(value));
      }
      i += 2;
    } else if (may_stand(c, part)) {
      out += c;
    } else if (c == '#') {
      return refuse("has a fragment");
    } else if (c == '\\' && part == Part::kPath) {
      return refuse("has a backslash");
    } else if (c == ' ' || is_control(c) || static_cast<unsigned char>(c) >= 0x80) {
      return refuse("has a character that must be encoded");
    } else {
      append_escape(out, static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Looks at the normalised path, because "%25%32%46" becomes "%252F" there.
bool has_double_escape(std::string_view path) {
  for (std::size_t at = path.find("%25"); at != std::string_view::npos;
       at = path.find("%25", at + 3)) {
    const int value = escape_at(path, at + 2);
    if (value < 0) continue;
    const auto c = static_cast<char>(value);
    if (c == '/' || c == '\\' || c == '.' || c == '%' || is_control(c)) return true;
  }
  return false;
}

bool is_dot_segment(std::string_view segment) { return segment == "." || segment == ".."; }

struct Resolved {
  std::string path;
  bool had_dots = false;
};

// Removes dot segments (RFC 3986 §5.2.4), but never climbs above the root.
Result<Resolved> remove_dot_segments(std::string_view path) {
  Resolved out;
  std::vector<std::string_view> kept;
  bool ends_in_slash = false;
  for (std::size_t begin = 1; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto segment = path.substr(begin, end - begin);
    const bool last = end == path.size();
    if (segment.empty() && !last) return refuse("has an empty segment in its path");
    if (is_dot_segment(segment)) {
      out.had_dots = true;
      if (segment == ".." && kept.empty()) return refuse("climbs above the root");
      if (segment == "..") kept.pop_back();
    } else if (!segment.empty()) {
      kept.push_back(segment);
    }
    ends_in_slash = last && (segment.empty() || is_dot_segment(segment));
    begin = end + 1;
  }
  if (kept.size() >= kMostSegments) return refuse("has too many segments");
  for (const auto segment : kept) out.path.append("/").append(segment);
  if (ends_in_slash || kept.empty()) out.path += '/';
  return out;
}

// "..;x" is ".." to some servers.
bool has_dots_before_parameter(std::string_view path) {
  return path.contains("/.;") || path.contains("/..;") || path.contains("/.%3B") ||
         path.contains("/..%3B");
}

Result<std::string> canonical_path_of(std::string_view raw) {
  const auto normal = normalise_escapes(raw, Part::kPath);
  if (!normal) return fail(normal.error());
  if (has_double_escape(*normal)) return refuse("is encoded twice");
  auto resolved = remove_dot_segments(*normal);
  if (!resolved) return fail(std::move(resolved.error()));
  const bool has_parameter = normal->contains(';') || normal->contains("%3B");
  if (has_parameter && (resolved->had_dots || has_dots_before_parameter(*normal))) {
    return refuse("mixes path parameters and dot segments");
  }
  const auto decoded = percent_decode(resolved->path);
  if (!decoded || !is_utf8(*decoded)) return refuse("has a path that is not valid UTF-8");
  return std::move(resolved->path);
}

// Takes "http://authority" off the front, if it is there.
Status take_absolute_form(std::string_view& target, CanonicalTarget& into, Addresses addresses) {
  if (target.starts_with('/')) return {};
  const auto colon = target.find("://");
  const auto scheme = target.substr(0, colon);
  into.https = equals_ignoring_case(scheme, "https");
  if (colon == std::string_view::npos || (!into.https && !equals_ignoring_case(scheme, "http"))) {
    return refuse("is neither a path nor an http or https URL");
  }
  target.remove_prefix(colon + 3);
  const auto end = std::min(target.find_first_of("/?#"), target.size());
  auto authority = parse_authority(target.substr(0, end), addresses);
  if (!authority) return fail(std::move(authority.error()));
  into.authority = std::move(*authority);
  target.remove_prefix(end);
  return {};
}

}  // namespace

Result<CanonicalTarget> canonical_target(std::string_view target, Addresses addresses) {
  if (target.empty()) return refuse("is empty");
  if (target.size() > kLongestTarget) return refuse("is longer than 16 KiB");
  CanonicalTarget out;
  auto good = take_absolute_form(target, out, addresses);
  if (!good) return fail(std::move(good.error()));
  const auto question = std::min(target.find('?'), target.size());
  const auto raw_path = target.substr(0, question);
  // "http://host" and "http://host?a" have the path "/" (RFC 9110 §4.2.3).
  auto path = canonical_path_of(raw_path.empty() ? "/" : raw_path);
  if (!path) return fail(std::move(path.error()));
  out.path = std::move(*path);
  if (question < target.size()) {
    auto query = normalise_escapes(target.substr(question + 1), Part::kQuery);
    if (!query) return fail(std::move(query.error()));
    out.query = std::move(*query);
  }
  // Encoding makes it longer; what we forward must still be readable by ourselves.
  if (out.path.size() + (out.query ? out.query->size() + 1 : 0) > kLongestTarget) {
    return refuse("is longer than 16 KiB");
  }
  return out;
}

std::string CanonicalTarget::origin_form() const {
  std::string out;
  out.reserve(path.size() + (query ? query->size() + 1 : 0));
  out += path;
  if (query) out.append("?").append(*query);
  return out;
}

PathSegments::PathSegments(std::string_view path) {
  for (std::size_t begin = 1; begin <= path.size() && count_ < kMostSegments;) {
    const auto end =
        count_ + 1 == kMostSegments ? path.size() : std::min(path.find('/', begin), path.size());
    segments_[count_++] = path.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace deployclaw::http
