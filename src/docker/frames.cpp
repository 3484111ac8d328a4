#include "docker/frames.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/encoding.hpp"

namespace deployclaw::docker {

Status FrameParser::feed(std::string_view bytes, const Sink& sink) {
  if (dead_) return fail(Code::kMalformed, "engine output: not a frame");
  while (!bytes.empty()) {
    if (remaining_ > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
      sink(stream_, bytes.substr(0, size));
      remaining_ -= size;
      bytes.remove_prefix(size);
      continue;
    }
    const auto size = std::min(sizeof head_ - head_size_, bytes.size());
    std::memcpy(head_ + head_size_, bytes.data(), size);
    head_size_ += size;
    bytes.remove_prefix(size);
    if (head_size_ < sizeof head_) return {};
    head_size_ = 0;
    if (head_[0] > 2 || head_[1] != 0 || head_[2] != 0 || head_[3] != 0) {
      dead_ = true;
      return fail(Code::kMalformed, "engine output: not a frame");
    }
    stream_ = static_cast<Stream>(head_[0]);
    for (int i = 4; i < 8; ++i) remaining_ = (remaining_ << 8) | head_[i];
  }
  return {};
}

namespace {

// The length of the UTF-8 character that `text` starts with; 0 when it starts with none.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  return size <= text.size() && is_utf8(text.substr(0, size)) ? size : 0;
}

// The length of the ANSI escape sequence (ECMA-48) that `text`, after its ESC, starts with.
std::size_t escape_size(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == ']' || text[0] == 'P' || text[0] == '_' || text[0] == '^' || text[0] == 'X') {
    // A control string: up to BEL or ESC \ (or the end, when it was cut).
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\a') return i + 1;
      if (text[i] == '\x1B') return std::min(i + 2, text.size());
    }
    return text.size();
  }
  std::size_t i = text[0] == '[' ? 1 : 0;
  while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x3F) ++i;
  return std::min(i + 1, text.size());
}

// A foreground and a background of any colour and six more fit; no code of a look exceeds 255.
constexpr std::size_t kMostLookParameters = 16;
constexpr std::size_t kMostLookDigits = 3;

// Whether an escape sequence, without its ESC, only chooses the look of what follows: SGR ("select
// graphic rendition", ECMA-48 §8.3.117) in its plainest form. `ESC [ > 4 ; 2 m` also ends in m, but
// sets what a terminal sends when keys are pressed.
bool is_look(std::string_view sequence) {
  if (sequence.size() < 2 || sequence.front() != '[' || sequence.back() != 'm') return false;
  std::size_t parameters = 1;
  std::size_t digits = 0;
  for (const char c : sequence.substr(1, sequence.size() - 2)) {
    if (c == ';') {
      ++parameters;
      digits = 0;
    } else if (c >= '0' && c <= '9') {
      ++digits;
    } else {
      return false;
    }
    if (parameters > kMostLookParameters || digits > kMostLookDigits) return false;
  }
  return true;
}

std::string clean_line(std::string_view raw, std::size_t most_bytes, bool keep_looks) {
  std::string clean;
  clean.reserve(std::min(raw.size(), most_bytes));
  while (!raw.empty()) {
    if (raw[0] == '\x1B') {
      const auto sequence = raw.substr(0, 1 + escape_size(raw.substr(1)));
      raw.remove_prefix(sequence.size());
      if (!keep_looks || !is_look(sequence.substr(1))) continue;
      // Whole or not at all: half a sequence would swallow what is printed after this line.
      if (clean.size() + sequence.size() > most_bytes) break;
      clean += sequence;
      continue;
    }
    const auto size = character_size(raw);
    const auto character = size == 0 ? std::string_view("\uFFFD") : raw.substr(0, size);
    raw.remove_prefix(std::max<std::size_t>(size, 1));
    const auto first = static_cast<unsigned char>(character[0]);
    const bool is_c0 = (first < 0x20 && first != '\t') || first == 0x7F;
    // U+0080 to U+009F are control characters too: some terminals take them for escapes.
    const bool is_c1 = first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
    if (is_c0 || is_c1) continue;
    if (clean.size() + character.size() > most_bytes) break;
    clean += character;
  }
  return clean;
}

}  // namespace

std::string sanitize_line(std::string_view raw, std::size_t most_bytes) {
  return clean_line(raw, most_bytes, true);
}

std::string plain_text(std::string_view line) {
  return clean_line(line, std::numeric_limits<std::size_t>::max(), false);
}

void LineSplitter::feed(std::string_view bytes,
                        const std::function<void(std::string_view line)>& sink) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    line_ += piece.substr(0, most_bytes_ - std::min(most_bytes_, line_.size()));
    started_ = true;
    if (end == std::string_view::npos) return;
    sink(line_);
    line_.clear();
    started_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::finish(const std::function<void(std::string_view line)>& sink) {
  if (started_) sink(line_);
  line_.clear();
  started_ = false;
}

}  // namespace deployclaw::docker
