#include "db/params.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cmath>

namespace deployclaw::db {

namespace {

// Whole pieces at a time.
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
  places_.push_back({.offset = static_cast<std::ptrdiff_t>(buffer_.size()), .length = text.size()});
  buffer_.append(text).push_back('\0');
  return *this;
}

Params& Params::add_null() {
  places_.emplace_back();
  return *this;
}

// In the order of bytes of the wire.
void Params::add_number(std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) buffer_.push_back(static_cast<char>(value >> shift));
}

// array_recv(): dimensions, whether there are NULLs, the elements' type; of each dimension its
// length and where it counts from; of each element its length and its bytes.
void Params::begin_binary_array(std::uint32_t element_type, std::size_t count) {
  places_.push_back({.offset = static_cast<std::ptrdiff_t>(buffer_.size()), .binary = true});
  add_number(count == 0 ? 0 : 1);
  add_number(0);
  add_number(element_type);
  if (count == 0) return;
  add_number(static_cast<std::uint32_t>(count));
  add_number(1);
}

void Params::add_element(std::string_view bytes) {
  add_number(static_cast<std::uint32_t>(bytes.size()));
  buffer_.append(bytes);
}

Params& Params::end_binary_array() {
  auto& place = places_.back();
  place.length = buffer_.size() - static_cast<std::size_t>(place.offset);
  buffer_.push_back('\0');
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

Params& Params::add(const BinaryTexts& texts) {
  std::size_t room = buffer_.size() + 32;
  for (const auto& text : texts.values) room += text.size() + sizeof(std::uint32_t);
  buffer_.reserve(room);
  begin_binary_array(kTextOid, texts.values.size());
  for (const auto& text : texts.values) {
    if (text.contains('\0')) valid_ = false;
    add_element(text);
  }
  return end_binary_array();
}

Params::ForLibpq Params::for_libpq() const {
  ForLibpq out;
  for (const auto& place : places_) {
    out.values.push_back(place.offset == kNull ? nullptr : buffer_.data() + place.offset);
    out.lengths.push_back(static_cast<int>(place.length));
    out.formats.push_back(place.binary ? 1 : 0);
  }
  return out;
}

}  // namespace deployclaw::db
