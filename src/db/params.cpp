#include "db/params.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cmath>

namespace deployclaw::db {

Params& Params::add_raw(std::string_view text) {
  offsets_.push_back(static_cast<std::ptrdiff_t>(buffer_.size()));
  buffer_.append(text).push_back('\0');
  return *this;
}

Params& Params::add_null() {
  offsets_.push_back(kNull);
  return *this;
}

Params& Params::add(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) valid_ = false;
  return add_raw(text);
}

Params& Params::add(double value) {
  if (std::isnan(value)) return add_raw("NaN");
  if (std::isinf(value)) return add_raw(value > 0 ? "Infinity" : "-Infinity");
  return add_raw(fmt::format("{}", value));
}

Params& Params::add(Time value) {
  const auto day = std::chrono::floor<std::chrono::days>(value);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(value - day);
  return add_raw(fmt::format(
      "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
      clock.minutes().count(), clock.seconds().count(), clock.subseconds().count()));
}

Params& Params::add(const boost::json::value& value) {
  return add(std::string_view(boost::json::serialize(value)));
}

Params& Params::add(std::span<const unsigned char> bytes) {
  return add_raw("\\x" + hex_encode(bytes));
}

Params& Params::add(std::span<const std::string> texts) {
  std::string literal = "{";
  for (const auto& text : texts) {
    if (literal.size() > 1) literal.push_back(',');
    literal.push_back('"');
    for (const char c : text) {
      if (c == '"' || c == '\\') literal.push_back('\\');
      literal.push_back(c);
    }
    literal.push_back('"');
  }
  literal.push_back('}');
  return add(std::string_view(literal));
}

std::vector<const char*> Params::pointers() const {
  std::vector<const char*> out;
  out.reserve(offsets_.size());
  for (const auto offset : offsets_) {
    out.push_back(offset == kNull ? nullptr : buffer_.data() + offset);
  }
  return out;
}

}  // namespace deployclaw::db
