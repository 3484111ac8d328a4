#include "services/path_pattern.hpp"

#include <algorithm>
#include <limits>

#include "http/ascii.hpp"
#include "http/canonical_target.hpp"

namespace deployclaw::services {
namespace {

using Segment = PathPattern::Segment;
using Kind = Segment::Kind;

std::unexpected<std::string> refuse(std::string_view segment, std::string_view why) {
  return std::unexpected("has the segment \"" + std::string(segment) + "\", which " +
                         std::string(why));
}

bool is_literal(std::string_view text) {
  constexpr std::string_view kOthers = "!$&'()+,;=:@";
  return std::ranges::all_of(text,
                             [&](char c) { return http::is_unreserved(c) || kOthers.contains(c); });
}

bool is_name(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

std::expected<Segment, std::string> parse_segment(std::string_view text) {
  if (text == "**") return Segment{.kind = Kind::kRest};
  if (text == "*") return Segment{.kind = Kind::kAny};
  const auto open = text.find('{');
  if (open == std::string_view::npos) {
    if (!is_literal(text) || text == "." || text == "..") {
      return refuse(text, "no canonical path has");
    }
    return Segment{.kind = Kind::kLiteral, .prefix = text};
  }
  const auto close = text.find('}', open);
  if (close == std::string_view::npos) return refuse(text, "has no closing brace");
  Segment segment;
  segment.prefix = text.substr(0, open);
  segment.capture = text.substr(open + 1, close - open - 1);
  segment.suffix = text.substr(close + 1);
  const bool whole = segment.prefix.empty() && segment.suffix.empty();
  segment.kind = whole ? Kind::kAny : Kind::kPartial;
  if (!is_name(segment.capture)) return refuse(text, "has a bad name between its braces");
  if (!is_literal(segment.prefix) || !is_literal(segment.suffix)) {
    return refuse(text, "no canonical path has");
  }
  return segment;
}

// The part of `text` that the capture stands for; empty when it does not match.
std::string_view captured(const Segment& segment, std::string_view text) {
  if (text.size() <= segment.prefix.size() + segment.suffix.size() ||
      !text.starts_with(segment.prefix) || !text.ends_with(segment.suffix)) {
    return {};
  }
  text.remove_prefix(segment.prefix.size());
  text.remove_suffix(segment.suffix.size());
  return text;
}

bool compatible(const Segment& a, const Segment& b) {
  if (a.kind == Kind::kLiteral && b.kind == Kind::kLiteral) return a.prefix == b.prefix;
  if (a.kind == Kind::kLiteral) return !captured(b, a.prefix).empty();
  if (b.kind == Kind::kLiteral) return !captured(a, b.prefix).empty();
  const auto heads = std::min(a.prefix.size(), b.prefix.size());
  const auto tails = std::min(a.suffix.size(), b.suffix.size());
  return a.prefix.compare(0, heads, b.prefix, 0, heads) == 0 &&
         a.suffix.compare(a.suffix.size() - tails, tails, b.suffix, b.suffix.size() - tails,
                          tails) == 0;
}

std::strong_ordering order(const Segment& a, const Segment& b) {
  if (const auto kinds = a.kind <=> b.kind; kinds != 0) return kinds;
  // Of two partial segments the one with more text is the narrower.
  const auto longer = b.prefix.size() + b.suffix.size() <=> a.prefix.size() + a.suffix.size();
  if (a.kind == Kind::kPartial && longer != 0) return longer;
  if (const auto texts = a.prefix <=> b.prefix; texts != 0) return texts;
  return a.suffix <=> b.suffix;
}

}  // namespace

std::string_view Captures::get(std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (entries_[i].name == name) return entries_[i].value;
  }
  return {};
}

std::expected<PathPattern, std::string> PathPattern::parse(std::string_view text) {
  if (!text.starts_with('/')) return std::unexpected("must begin with \"/\"");
  if (text.size() > std::numeric_limits<std::uint16_t>::max())
    return std::unexpected("is too long");
  PathPattern pattern;
  pattern.text_ = text;
  for (std::size_t begin = 1; begin <= text.size();) {
    const auto end = std::min(text.find('/', begin), text.size());
    const auto piece = text.substr(begin, end - begin);
    if (piece.empty() && end != text.size()) return refuse(piece, "no canonical path has");
    auto segment = parse_segment(piece);
    if (!segment) return std::unexpected(std::move(segment.error()));
    if (segment->kind == Kind::kRest && end != text.size()) {
      return refuse(piece, "must be the last");
    }
    if (!segment->capture.empty() && pattern.has_capture(segment->capture)) {
      return refuse(piece, "repeats a name");
    }
    pattern.add(begin, *segment);
    begin = end + 1;
  }
  if (pattern.size() > http::kMostSegments) return std::unexpected("is too long");
  pattern.parts_.shrink_to_fit();
  return pattern;
}

// `at`: where in the text the segment begins.
void PathPattern::add(std::size_t at, const Segment& segment) {
  const auto short_of = [](std::size_t value) { return static_cast<std::uint16_t>(value); };
  parts_.push_back({.kind = segment.kind,
                    .at = short_of(at),
                    .prefix = short_of(segment.prefix.size()),
                    .capture = short_of(segment.capture.size()),
                    .suffix = short_of(segment.suffix.size())});
}

Segment PathPattern::segment(std::size_t index) const {
  const Part& part = parts_[index];
  const std::string_view rest = std::string_view(text_).substr(part.at);
  Segment segment{.kind = part.kind, .prefix = rest.substr(0, part.prefix)};
  if (part.capture == 0) return segment;
  segment.capture = rest.substr(part.prefix + 1U, part.capture);
  segment.suffix = rest.substr(part.prefix + 1U + part.capture + 1U, part.suffix);
  return segment;
}

bool PathPattern::matches(std::span<const std::string_view> segments, Captures& captures) const {
  captures.clear();
  // Most patterns of a host fall at this line.
  const bool open_ended = !parts_.empty() && parts_.back().kind == Kind::kRest;
  if (!open_ended && parts_.size() != segments.size()) return false;
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Segment segment = this->segment(i);
    if (segment.kind == Kind::kRest) return true;
    if (at == segments.size()) return false;
    const auto text = segments[at++];
    if (segment.kind == Kind::kLiteral) {
      if (text != segment.prefix) return false;
      continue;
    }
    const auto value = captured(segment, text);
    if (value.empty()) return false;
    if (!segment.capture.empty()) captures.add(segment.capture, value);
  }
  return at == segments.size();
}

bool PathPattern::overlaps(const PathPattern& other) const {
  const auto is_rest = [](const PathPattern& one, std::size_t i) {
    return i < one.size() && one.parts_[i].kind == Kind::kRest;
  };
  for (std::size_t i = 0;; ++i) {
    if (is_rest(*this, i) || is_rest(other, i)) return true;
    if (i == size() || i == other.size()) return size() == other.size();
    if (!compatible(segment(i), other.segment(i))) return false;
  }
}

std::strong_ordering PathPattern::compare(const PathPattern& other) const {
  for (std::size_t i = 0; i < std::min(size(), other.size()); ++i) {
    if (const auto here = order(segment(i), other.segment(i)); here != 0) return here;
  }
  return size() <=> other.size();
}

bool PathPattern::has_capture(std::string_view name) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (segment(i).capture == name) return true;
  }
  return false;
}

}  // namespace deployclaw::services
