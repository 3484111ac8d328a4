#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::http {

// Lengths are in Unicode code points. Control characters (U+0000–001F, U+007F–009F) are refused
// unless allowed: a name with a newline must not travel further.
struct StringRule {
  std::size_t min = 0;
  std::size_t max = 1000;
  bool allow_control = false;
};

// Reads a JSON object field by field and collects what is wrong, so that one answer names every
// mistake with its pointer. A reader returns a default value after recording an error; use the
// values only when finish() is good:
//
//   Fields in(body);
//   auto name = in.required_string("name", {.min = 1, .max = 64});
//   auto cpus = in.optional_double("cpus", 0.05, 8);
//   if (auto ok = in.finish(); !ok) return fail(ok.error());
//
// null is a wrong type, not an absent field. The object must outlive this.
class Fields {
 public:
  explicit Fields(const boost::json::object& object, std::string base_pointer = "");

  std::string required_string(std::string_view name, StringRule rule = {});
  std::optional<std::string> optional_string(std::string_view name, StringRule rule = {});
  std::int64_t required_int(std::string_view name,
                            std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                            std::int64_t max = std::numeric_limits<std::int64_t>::max());
  std::optional<std::int64_t> optional_int(
      std::string_view name, std::int64_t min = std::numeric_limits<std::int64_t>::min(),
      std::int64_t max = std::numeric_limits<std::int64_t>::max());
  // Accepts integers too. Always finite.
  double required_double(std::string_view name, double min = std::numeric_limits<double>::lowest(),
                         double max = std::numeric_limits<double>::max());
  std::optional<double> optional_double(std::string_view name,
                                        double min = std::numeric_limits<double>::lowest(),
                                        double max = std::numeric_limits<double>::max());
  bool required_bool(std::string_view name);
  std::optional<bool> optional_bool(std::string_view name);
  // One of `allowed`.
  std::string required_enum(std::string_view name, std::initializer_list<std::string_view> allowed);
  std::optional<std::string> optional_enum(std::string_view name,
                                           std::initializer_list<std::string_view> allowed);
  // nullptr when absent or wrong.
  const boost::json::object* required_object(std::string_view name);
  const boost::json::object* optional_object(std::string_view name);
  const boost::json::array* required_array(std::string_view name, std::size_t max = 1000);
  const boost::json::array* optional_array(std::string_view name, std::size_t max = 1000);
  // An array of strings that each keep `rule`.
  std::optional<std::vector<std::string>> optional_strings(std::string_view name,
                                                           StringRule rule = {},
                                                           std::size_t max = 1000);
  // Any value, marked as known.
  const boost::json::value* optional_value(std::string_view name);
  // A reader of a nested object that records into the same list; nullopt when absent or wrong.
  // Call its finish() too, so that unknown fields inside are reported.
  std::optional<Fields> required_child(std::string_view name);
  std::optional<Fields> optional_child(std::string_view name);

  // Records an error at field `name` ("" means the object itself).
  void error(std::string_view name, std::string detail);
  // Records an error at an absolute pointer.
  void error_at(std::string pointer, std::string detail);
  // The pointer of a field of this object.
  [[nodiscard]] std::string pointer(std::string_view name) const;

  // Reports fields that nobody asked for, then: good, or kInvalid (reason "validation_failed")
  // with every error recorded so far.
  Status finish();

 private:
  Fields(const boost::json::object& object, std::string base_pointer,
         std::shared_ptr<std::vector<FieldError>> errors);
  const boost::json::value* take(std::string_view name, bool required);
  std::optional<std::string> read_string(std::string_view name, const StringRule& rule, bool req);
  std::optional<std::int64_t> read_int(std::string_view name, std::int64_t min, std::int64_t max,
                                       bool required);
  std::optional<double> read_double(std::string_view name, double min, double max, bool required);
  std::optional<bool> read_bool(std::string_view name, bool required);
  std::optional<std::string> read_enum(std::string_view name,
                                       std::initializer_list<std::string_view> allowed, bool req);
  const boost::json::object* read_object(std::string_view name, bool required);
  const boost::json::array* read_array(std::string_view name, std::size_t max, bool required);

  const boost::json::object* object_;
  std::string base_;
  std::shared_ptr<std::vector<FieldError>> errors_;
  std::vector<std::string> known_;
};

}  // namespace deployclaw::http
