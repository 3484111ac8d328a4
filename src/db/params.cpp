#include "db/params.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cmath>

namespace deployclaw::db {

namespace {

// Whole pieces at a time: the audit log comes this way.
void append_escaped(std::string& out, std::string_view text) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '"' && text[at] != '\\') continue;
    out.append(text, begin, at - begin).push_back('\\');
    begin = at;  // it goes with the next piece
  }
  out.append(text, begin);
}

}  // namespace

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
    append_escaped(literal, text);
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
