#include "db/rows.hpp"

#include <libpq-fe.h>

#include <boost/json/parse.hpp>
#include <charconv>
#include <limits>

namespace deployclaw::db {

namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Reads `digits` decimal digits at the front of `text` and takes them off.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  const auto value = parse_number<unsigned>(text.substr(0, digits));
  if (!value) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<int>(*value);
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

// DateStyle ISO with TimeZone UTC, which every connection sets: 2026-11-24 20:49:34.12+00. Years
// beyond 9999, BC and infinity are no Time.
std::optional<Time> parse_timestamptz(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto mo = take_digits(text, 2);
  if (!mo || !take(text, '-')) return std::nullopt;
  const auto d = take_digits(text, 2);
  if (!d || !take(text, ' ')) return std::nullopt;
  const auto h = take_digits(text, 2);
  if (!h || !take(text, ':')) return std::nullopt;
  const auto mi = take_digits(text, 2);
  if (!mi || !take(text, ':')) return std::nullopt;
  const auto s = take_digits(text, 2);
  if (!s) return std::nullopt;
  microseconds fraction{0};
  if (take(text, '.')) {
    const auto end = std::min(text.find('+'), text.size());
    if (end == 0 || end > 6) return std::nullopt;
    const auto size = end;
    const auto digits = take_digits(text, size);
    if (!digits) return std::nullopt;
    int scaled = *digits;
    for (std::size_t i = size; i < 6; ++i) scaled *= 10;
    fraction = microseconds(scaled);
  }
  if (text != "+00") return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*mo)),
                            day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  return Time(sys_days(date)) + hours(*h) + minutes(*mi) + seconds(*s) + fraction;
}

// The output form of a one-dimensional array: {a,"b c","say \"x\""}. NULL elements are no text.
std::optional<std::vector<std::string>> parse_array(std::string_view text) {
  std::vector<std::string> out;
  if (text == "{}") return out;
  if (!take(text, '{') || !text.ends_with('}')) return std::nullopt;
  text.remove_suffix(1);
  for (;;) {
    std::string element;
    if (take(text, '"')) {
      while (!text.empty() && text.front() != '"') {
        if (text.front() == '\\') text.remove_prefix(1);
        if (text.empty()) return std::nullopt;
        element.push_back(text.front());
        text.remove_prefix(1);
      }
      if (!take(text, '"')) return std::nullopt;
    } else {
      const auto end = std::min(text.find(','), text.size());
      element = text.substr(0, end);
      if (element.empty() || element == "NULL" || element.find('{') != std::string::npos) {
        return std::nullopt;
      }
      text.remove_prefix(end);
    }
    out.push_back(std::move(element));
    if (text.empty()) return out;
    if (!take(text, ',')) return std::nullopt;
  }
}

}  // namespace

void Row::bad(int column, std::string_view wanted) const {
  const bool exists = column >= 0 && column < PQnfields(result_);
  // The value itself stays out: it may be anything, a hash too.
  const std::string name = exists ? PQfname(result_, column) : "none";
  throw BadColumn("column " + std::to_string(column) + " (" + name + ") is not " +
                  std::string(wanted));
}

bool Row::is_null(int column) const {
  if (column < 0 || column >= PQnfields(result_)) bad(column, "there");
  return PQgetisnull(result_, index_, column) != 0;
}

std::string_view Row::text(int column) const {
  if (is_null(column)) bad(column, "non-null");
  return {PQgetvalue(result_, index_, column),
          static_cast<std::size_t>(PQgetlength(result_, index_, column))};
}

std::int64_t Row::int64(int column) const {
  const auto value = parse_number<std::int64_t>(text(column));
  if (!value) bad(column, "an integer");
  return *value;
}

bool Row::boolean(int column) const {
  const auto value = text(column);
  if (value == "t") return true;
  if (value == "f") return false;
  bad(column, "a boolean");
}

double Row::real(int column) const {
  const auto value = text(column);
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  const auto number = parse_number<double>(value);
  if (!number) bad(column, "a number");
  return *number;
}

Time Row::time(int column) const {
  const auto value = parse_timestamptz(text(column));
  if (!value) bad(column, "a timestamptz");
  return *value;
}

boost::json::value Row::json(int column) const {
  const auto value = text(column);
  boost::system::error_code error;
  auto parsed = boost::json::parse(boost::json::string_view(value), error);
  if (error) bad(column, "JSON");
  return parsed;
}

Bytes Row::bytes(int column) const {
  auto value = text(column);
  if (!value.starts_with("\\x")) bad(column, "a bytea");
  auto decoded = hex_decode(value.substr(2));
  if (!decoded) bad(column, "a bytea");
  return std::move(*decoded);
}

std::vector<std::string> Row::texts(int column) const {
  auto value = parse_array(text(column));
  if (!value) bad(column, "an array of texts");
  return std::move(*value);
}

Rows::Rows(pg_result* owned) : result_(owned, PQclear) {}

int Rows::size() const { return result_ ? PQntuples(result_.get()) : 0; }

int Rows::columns() const { return result_ ? PQnfields(result_.get()) : 0; }

std::int64_t Rows::affected() const {
  if (!result_) return 0;
  return parse_number<std::int64_t>(PQcmdTuples(result_.get())).value_or(0);
}

std::string_view Rows::command() const {
  return result_ ? std::string_view(PQcmdStatus(result_.get())) : std::string_view();
}

Row Rows::operator[](int index) const {
  if (index < 0 || index >= size()) {
    throw BadColumn("row " + std::to_string(index) + " of " + std::to_string(size()));
  }
  return {result_.get(), index};
}

}  // namespace deployclaw::db
