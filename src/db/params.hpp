#pragma once

#include <boost/json/value.hpp>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"

namespace deployclaw::db {

// The values of a statement's $1, $2, … in PostgreSQL's text format; the server infers the types.
//   auto params = db::Params::of(client_id, name, std::nullopt);
// Text with a NUL byte cannot be stored: valid() is then false and the query answers kInvalid.
class Params {
 public:
  Params() = default;
  template <class... Values>
  static Params of(const Values&... values) {
    Params params;
    (params.add(values), ...);
    return params;
  }

  Params& add(std::string_view text);
  Params& add(const std::string& text) { return add(std::string_view(text)); }
  Params& add(const char* text) { return add(std::string_view(text)); }
  Params& add(std::same_as<bool> auto value) { return add_raw(value ? "t" : "f"); }
  Params& add(std::integral auto value)
    requires(!std::same_as<decltype(value), bool> && !std::same_as<decltype(value), char>)
  {
    return add_raw(std::to_string(value));
  }
  Params& add(double value);  // shortest form that reads back the same
  Params& add(Time value);    // timestamptz, exact to the microsecond
  Params& add(const boost::json::value& value);
  Params& add(std::nullopt_t) { return add_null(); }
  Params& add(std::span<const unsigned char> bytes);  // bytea
  Params& add(std::span<const std::string> texts);    // text[]
  Params& add(const std::vector<std::string>& texts) { return add(std::span(texts)); }
  Params& add(const Bytes& bytes) { return add(std::span<const unsigned char>(bytes)); }
  template <class Tag>
  Params& add(const Id<Tag>& id) {
    return add_raw(id.to_string());
  }
  template <class Tag>
  Params& add(const std::vector<Id<Tag>>& ids) {  // uuid[]
    std::vector<std::string> texts;
    for (const auto& id : ids) texts.push_back(id.to_string());
    return add(std::span<const std::string>(texts));
  }
  template <class T>
  Params& add(const std::optional<T>& value) {
    return value ? add(*value) : add_null();
  }

  [[nodiscard]] std::size_t size() const { return offsets_.size(); }
  [[nodiscard]] bool valid() const { return valid_; }
  // NUL-terminated texts for libpq, null pointers for SQL NULL; valid until this object changes.
  [[nodiscard]] std::vector<const char*> pointers() const;

 private:
  static constexpr std::ptrdiff_t kNull = -1;
  Params& add_raw(std::string_view text);
  Params& add_null();

  std::string buffer_;  // the texts one after another, each with its NUL
  std::vector<std::ptrdiff_t> offsets_;
  bool valid_ = true;
};

}  // namespace deployclaw::db
