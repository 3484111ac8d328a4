#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployclaw::services {

// What the segments named {…} in a pattern stood for in one path; views into the pattern and the
// path.
class Captures {
 public:
  static constexpr std::size_t kMost = 8;
  void add(std::string_view name, std::string_view value) {
    if (count_ < kMost) entries_[count_++] = {name, value};
  }
  void clear() { count_ = 0; }
  // "" when there is none of that name.
  [[nodiscard]] std::string_view get(std::string_view name) const;

 private:
  struct Entry {
    std::string_view name;
    std::string_view value;
  };
  std::array<Entry, kMost> entries_{};
  std::size_t count_ = 0;
};

// A pattern of canonical paths (http::CanonicalTarget), segment by segment: literal text, "*" for
// one non-empty segment, "{name}" the same with a name, "text{name}text" for a part of one, and
// "**" as the last segment for any rest, also none. Immutable, safe from any thread.
class PathPattern {
 public:
  PathPattern() = default;
  // The error is a sentence about the pattern.
  static std::expected<PathPattern, std::string> parse(std::string_view text);

  // Fills `captures` when it matches.
  [[nodiscard]] bool matches(std::span<const std::string_view> segments, Captures& captures) const;
  // True when some path matches both.
  [[nodiscard]] bool overlaps(const PathPattern& other) const;
  // The narrower pattern first: literal before partial before whole segment before rest, compared
  // from the left. A total order; equal means the same set of paths.
  [[nodiscard]] std::strong_ordering compare(const PathPattern& other) const;

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool has_capture(std::string_view name) const;

  // Views into the pattern.
  struct Segment {
    enum class Kind : std::uint8_t { kLiteral, kPartial, kAny, kRest };
    Kind kind = Kind::kLiteral;
    std::string_view prefix = {};   // the literal itself, or what stands before the capture
    std::string_view suffix = {};   // kPartial
    std::string_view capture = {};  // name, or ""
  };
  [[nodiscard]] std::size_t size() const { return parts_.size(); }
  [[nodiscard]] Segment segment(std::size_t index) const;

 private:
  // Where a segment lies in the text, one part behind the other, "{" and "}" around the capture. A
  // catalogue has thousands of them, and every worker shares its memory.
  struct Part {
    Segment::Kind kind = Segment::Kind::kLiteral;
    std::uint16_t at = 0;
    std::uint16_t prefix = 0;
    std::uint16_t capture = 0;
    std::uint16_t suffix = 0;
  };
  void add(std::size_t at, const Segment& segment);

  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace deployclaw::services
