#include "models/usage_reader.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <string>
#include <vector>

namespace deployclaw::models {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostKey = 64;   // a longer one means nothing
constexpr std::size_t kMostText = 64;  // the same for texts

// boost::json calls this for each part of the text.
class Handler {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  Usage* usage = nullptr;
  bool choices_empty = false;
  bool usage_object = false;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    if (levels_.size() == 1 && levels_[0].key == "usage") usage_object = true;
    levels_.push_back({});
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return leave(); }
  bool on_array_begin(json::error_code&) {
    levels_.push_back({.key = levels_.empty() ? "" : "[]", .list = true});
    return true;
  }
  bool on_array_end(std::size_t size, json::error_code&) {
    leave();
    if (size == 0 && levels_.size() == 1 && levels_[0].key == "choices") choices_empty = true;
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    add(key_, part, kMostKey);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    add(key_, part, kMostKey);
    levels_.back().key = std::exchange(key_, {});
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    add(text_, part, kMostText);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    add(text_, part, kMostText);
    if (levels_.size() <= kDeepestUsage) note_text(*usage, path(), text_);
    text_.clear();
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, json::error_code&) {
    note(value > 0 ? static_cast<std::uint64_t>(value) : 0);
    return true;
  }
  bool on_uint64(std::uint64_t value, json::string_view, json::error_code&) {
    note(value);
    return true;
  }
  bool on_double(double value, json::string_view, json::error_code&) {
    const bool counts = value > 0;
    note(!counts ? 0 : value >= 1e9 ? kMostTokens : static_cast<std::uint64_t>(value) + 1);
    return true;
  }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Level {
    std::string key = {};
    bool list = false;
  };

  static void add(std::string& to, json::string_view part, std::size_t most) {
    if (to.size() <= most) to.append(part.data(), std::min(part.size(), most + 1 - to.size()));
  }
  bool leave() {
    levels_.pop_back();
    return true;
  }
  void note(std::uint64_t value) {
    if (levels_.size() <= kDeepestUsage) note_number(*usage, path(), value);
  }
  [[nodiscard]] std::string path() const {
    std::string out;
    for (const auto& level : levels_) {
      if (level.key.empty()) continue;
      if (!out.empty()) out += '.';
      out += level.key;
    }
    return out;
  }

  std::vector<Level> levels_;
  std::string key_;
  std::string text_;
};

json::parse_options options() {
  json::parse_options out;
  out.allow_invalid_utf8 = true;  // not what is counted here
  out.max_depth = 256;
  return out;
}

}  // namespace

struct UsageReader::State {
  json::basic_parser<Handler> parser{options()};
  bool good = true;
};

UsageReader::UsageReader(Usage& usage) : state_(std::make_unique<State>()) {
  state_->parser.handler().usage = &usage;
}

UsageReader::~UsageReader() = default;

bool UsageReader::feed(std::string_view bytes) {
  if (!state_->good || bytes.empty()) return state_->good;
  json::error_code error;
  const auto used = state_->parser.write_some(true, bytes.data(), bytes.size(), error);
  state_->good = !error;
  // Behind its end only space may come.
  const auto rest = bytes.substr(std::min(used, bytes.size()));
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) state_->good = false;
  return state_->good;
}

bool UsageReader::finish() {
  if (!state_->good) return false;
  json::error_code error;
  state_->parser.write_some(false, nullptr, 0, error);
  return !error && state_->parser.done();
}

bool UsageReader::is_usage_alone() const {
  const auto& handler = state_->parser.handler();
  return handler.choices_empty && handler.usage_object;
}

}  // namespace deployclaw::models
