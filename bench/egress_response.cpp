#include "egress_response.hpp"

#include <algorithm>
#include <charconv>

namespace deployclaw::bench {
namespace {

// The value of header `name` (lower case) in a head, or empty.
std::string_view header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;) {
    const std::size_t begin = at + 2;
    at = head.find("\r\n", begin);
    const std::string_view line =
        head.substr(begin, at == std::string_view::npos ? at : at - begin);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    const bool same = std::ranges::equal(line.substr(0, name.size()), name, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
    });
    if (!same) continue;
    std::string_view value = line.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

bool parse(std::string_view text, std::uint64_t& value, int base) {
  return std::from_chars(text.data(), text.data() + text.size(), value, base).ec == std::errc{};
}

}  // namespace

bool ResponseReader::read_head() {
  std::uint64_t status = 0;
  if (!head_.starts_with("HTTP/1.") || head_.size() < 12) return false;
  if (!parse(std::string_view(head_).substr(9, 3), status, 10)) return false;
  status_ = static_cast<int>(status);
  left_ = 0;
  if (header(head_, "transfer-encoding") == "chunked") {
    stage_ = Stage::kChunkSize;
    return true;
  }
  const std::string_view length = header(head_, "content-length");
  if (length.empty() ? status != 204 : !parse(length, left_, 10)) return false;
  stage_ = Stage::kFixed;
  return true;
}

// Moves a line with its end from `bytes` to head_; false when its end has not come yet.
bool ResponseReader::take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  head_.append(bytes.substr(0, size));
  bytes.remove_prefix(size);
  return end != std::string_view::npos;
}

void ResponseReader::take_body(std::string_view& bytes, std::string* body) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (body != nullptr) body->append(bytes.substr(0, size));
  bytes.remove_prefix(size);
  left_ -= size;
  body_bytes_ += size;
}

ResponseReader::State ResponseReader::step(std::string_view& bytes, std::string* body) {
  switch (stage_) {
    case Stage::kHead: {
      if (!take_line(bytes) || !head_.ends_with("\r\n\r\n")) return State::kMore;
      const bool good = read_head();
      head_.clear();
      if (!good) return State::kBroken;
      return stage_ == Stage::kFixed && left_ == 0 ? State::kDone : State::kMore;
    }
    case Stage::kFixed:
      take_body(bytes, body);
      return left_ == 0 ? State::kDone : State::kMore;
    case Stage::kChunkSize: {
      if (!take_line(bytes)) return State::kMore;
      const bool good = parse(head_, left_, 16);
      head_.clear();
      if (!good) return State::kBroken;
      stage_ = left_ == 0 ? Stage::kTrailers : Stage::kChunkData;
      left_ += left_ == 0 ? 0 : 2;  // the line end behind the data
      return State::kMore;
    }
    case Stage::kChunkData: {
      if (left_ > 2) {
        left_ -= 2;
        take_body(bytes, body);
        left_ += 2;
      } else {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
        bytes.remove_prefix(size);
        left_ -= size;
      }
      if (left_ == 0) stage_ = Stage::kChunkSize;
      return State::kMore;
    }
    case Stage::kTrailers: {
      if (!take_line(bytes)) return State::kMore;
      const bool last = head_ == "\r\n";
      head_.clear();
      return last ? State::kDone : State::kMore;
    }
  }
  return State::kBroken;
}

ResponseReader::State ResponseReader::feed(std::string_view bytes, std::string* body) {
  while (!bytes.empty()) {
    const State state = step(bytes, body);
    if (state == State::kMore) continue;
    stage_ = Stage::kHead;
    // More than the one answer that was asked for is broken too.
    return bytes.empty() ? state : State::kBroken;
  }
  return State::kMore;
}

}  // namespace deployclaw::bench
