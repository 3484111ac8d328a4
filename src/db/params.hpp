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

// An array that goes in PostgreSQL's binary format (array_recv): nothing is escaped and nothing
// parsed, which is worth it for much at a time. The statement has to name exactly this type,
// $1::text[] or $1::uuid[]. It refers to the values and does not keep them.
struct BinaryTexts {
  std::span<const std::string> values;
};
template <class Tag>
struct BinaryIds {
  std::span<const Id<Tag>> values;
};

// The values of a statement's $1, $2, …, in PostgreSQL's text format where nothing else is said;
// the server infers the types.
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
  Params& add(const BinaryTexts& texts);
  template <class Tag>
  Params& add(const BinaryIds<Tag>& ids) {
    begin_binary_array(kUuidOid, ids.values.size());
    for (const auto& id : ids.values) {
      add_element({reinterpret_cast<const char*>(id.bytes().data()), id.bytes().size()});
    }
    return end_binary_array();
  }
  template <class T>
  Params& add(const std::optional<T>& value) {
    return value ? add(*value) : add_null();
  }

  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] bool valid() const { return valid_; }
  // As libpq takes them (PQexecParams): texts end with a NUL, SQL NULL is a null pointer. Valid
  // until this object changes.
  struct ForLibpq {
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
  };
  [[nodiscard]] ForLibpq for_libpq() const;

 private:
  static constexpr std::ptrdiff_t kNull = -1;
  static constexpr std::uint32_t kTextOid = 25;  // pg_type.dat
  static constexpr std::uint32_t kUuidOid = 2950;
  struct Place {
    std::ptrdiff_t offset = kNull;
    std::size_t length = 0;
    bool binary = false;
  };
  Params& add_raw(std::string_view text);
  Params& add_null();
  void add_number(std::uint32_t value);
  void begin_binary_array(std::uint32_t element_type, std::size_t count);
  void add_element(std::string_view bytes);
  Params& end_binary_array();

  std::string buffer_;  // the values one after another, each with a NUL
  std::vector<Place> places_;
  bool valid_ = true;
};

}  // namespace deployclaw::db
