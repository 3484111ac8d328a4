#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace deployclaw {

// Writes JSON straight into one string: what is written often needs no tree in between.
// The caller keeps the grammar (a key before each member of an object); commas are put by itself.
class JsonText {
 public:
  explicit JsonText(std::size_t expected_size = 512) { out_.reserve(expected_size); }

  JsonText& begin_object() { return open('{'); }
  JsonText& end_object() { return close('}'); }
  JsonText& begin_array() { return open('['); }
  JsonText& end_array() { return close(']'); }
  // `name` must need no escaping.
  JsonText& key(std::string_view name);

  JsonText& string(std::string_view text);  // UTF-8
  JsonText& raw(std::string_view json);     // JSON already, as the database's jsonb is
  JsonText& number(std::int64_t value);
  JsonText& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonText& null() { return raw("null"); }
  JsonText& string_or_null(std::optional<std::string_view> text) {
    return text ? string(*text) : null();
  }

  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  JsonText& open(char bracket);
  JsonText& close(char bracket);
  void separate();

  std::string out_;
  bool need_comma_ = false;
};

}  // namespace deployclaw
